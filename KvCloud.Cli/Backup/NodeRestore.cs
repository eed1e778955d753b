using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using KvCloud.Backup;
using KvCloud.Backup.Catalog;
using KvCloud.LocalCluster;

namespace KvCloud.Cli.Backup;

/// <summary>
/// Runs the node's <c>restore</c> subcommand as a process, so that the code of a replica applies the log.
/// </summary>
internal static class NodeRestore
{
    /// <summary>Lines of the node's output that the message of a failure repeats.</summary>
    private const int ShownLines = 20;

    public static IReadOnlyList<string> Arguments(
        string staging, string target, string nodes, string clusterId, RestorePlan plan, long firstVersion)
    {
        var arguments = new List<string>
        {
            "restore", "--staging", staging, "--source-cluster-id", plan.Snapshot.Manifest.ClusterId,
            "--target", target, "--nodes", nodes, "--cluster-id", clusterId, "--first-version", Text(firstVersion),
        };
        (string Name, long? Value)[] until =
        [
            ("--until-version", plan.Target.Version),
            ("--until-unix-ms", plan.Target.UnixMs),
            ("--until-slot", plan.Target.Slot),
        ];
        foreach ((string name, long? value) in until)
        {
            if (value is { } given)
            {
                arguments.AddRange([name, Text(given)]);
            }
        }

        return arguments;
    }

    /// <param name="arguments">The arguments of the node's program.</param>
    /// <param name="onLine">Called with each line of progress, a JSON object.</param>
    /// <param name="cancellationToken">Kills the process. The target is not created then.</param>
    /// <returns>The last object: the result.</returns>
    /// <exception cref="ArchiveException">The restore failed; the message says why.</exception>
    public static async Task<JsonElement> RunAsync(
        IEnumerable<string> arguments, Action<JsonElement> onLine, CancellationToken cancellationToken)
    {
        ProcessStartInfo start = NodeProgram.StartInfo(inheritSettings: false, arguments);
        using Process process = Process.Start(start)
            ?? throw new ArchiveException("the node's program could not be started");
        await using CancellationTokenRegistration kill = cancellationToken.Register(() => Kill(process));
        process.StandardInput.Close();
        Task<string> errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
        JsonElement? last = null;
        var other = new List<string>();
        while (await process.StandardOutput.ReadLineAsync(CancellationToken.None) is { } line)
        {
            if (TryParse(line) is { } parsed)
            {
                last = parsed;
                onLine(parsed);
            }
            else
            {
                other.Add(line);
            }
        }

        await process.WaitForExitAsync(CancellationToken.None);
        cancellationToken.ThrowIfCancellationRequested();
        if (process.ExitCode != 0 || last is null)
        {
            IEnumerable<string> said = other.Concat((await errors).Split('\n')).Where(line => line.Trim().Length > 0);
            throw new ArchiveException(
                $"nothing was restored: the node's restore ended with exit code {Text(process.ExitCode)}: "
                + string.Join('\n', said.TakeLast(ShownLines)));
        }

        return last.Value;
    }

    private static void Kill(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It has exited already.
        }
    }

    private static JsonElement? TryParse(string line)
    {
        try
        {
            var parsed = JsonElement.Parse(line);
            return parsed.ValueKind == JsonValueKind.Object ? parsed : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
