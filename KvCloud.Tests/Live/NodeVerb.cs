using System.Diagnostics;
using System.Text.Json;
using KvCloud.LocalCluster;

namespace KvCloud.Tests.Live;

/// <summary>A verb of the node's program, run as a process of its own, as `kv` does it.</summary>
internal sealed record NodeVerb(int ExitCode, IReadOnlyList<string> Output, string Error)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    /// <summary>What the last line says.</summary>
    public JsonElement Last => JsonDocument.Parse(Output[^1]).RootElement;

    public static async Task<NodeVerb> RunAsync(params string[] arguments)
    {
        using var patience = new CancellationTokenSource(Patience);
        using Process process = Process.Start(NodeProgram.StartInfo(inheritSettings: false, arguments))!;
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync(patience.Token);
        Task<string> error = process.StandardError.ReadToEndAsync(patience.Token);
        await process.WaitForExitAsync(patience.Token);
        return new NodeVerb(
            process.ExitCode, (await output).Split('\n', StringSplitOptions.RemoveEmptyEntries), await error);
    }
}
