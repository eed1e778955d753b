using System.Diagnostics;
using KvCloud.LocalCluster;

namespace KvCloud.Cli;

/// <summary>What the node's program printed and how it ended, for commands that leave the work to it.</summary>
internal sealed record NodeRun(int ExitCode, string Output, string Errors)
{
    /// <param name="inheritSettings">Whether the settings in this program's environment count.</param>
    /// <param name="arguments">The arguments of the node's program.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="LocalClusterException">The program was not found, or could not be started.</exception>
    public static async Task<NodeRun> RunAsync(
        bool inheritSettings, IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        ProcessStartInfo start = NodeProgram.StartInfo(inheritSettings, arguments);
        using Process process = Process.Start(start)
            ?? throw new LocalClusterException("the node's program could not be started");
        process.StandardInput.Close();
        Task<string> errors = process.StandardError.ReadToEndAsync(cancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return new NodeRun(process.ExitCode, output, await errors);
    }
}
