using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using KvCloud.Client;

namespace KvCloud.Tests.Live.Lifecycle;

/// <summary>
/// Backs a cluster up under load, and restores a version in the middle of the archive as a new cluster, with
/// `kv backup`.
/// </summary>
/// <param name="folder">The directory for the archive and the new cluster's data.</param>
internal sealed class LifecycleBackup(string folder, KeptLoad load)
{
    private const string NewCluster = "restored";

    /// <summary>Restorable versions to wait for before one of them is chosen.</summary>
    private const long MinVersions = 200;

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(200);

    private readonly string _archive = Path.Combine(folder, "archive");

    /// <summary>The chosen version.</summary>
    public long Version { get; private set; }

    /// <summary>Violations found in the new cluster.</summary>
    public List<string> Findings { get; } = [];

    /// <summary>Runs a continuous backup until enough versions are restorable.</summary>
    public async Task<string> BackUpAsync(IEnumerable<string> endpoints, TimeSpan patience)
    {
        await using var backup = new KvProcess(
            _ => { }, "backup", "create", "--to", _archive, "--endpoints", string.Join(',', endpoints),
            "--continuous", "--ship-every", "200ms");
        await backup.UntilAsync(() => backup.Printed.Contains("is complete", StringComparison.Ordinal), "a snapshot");
        long started = Stopwatch.GetTimestamp();
        (long from, long to) = await RestorableAsync();
        for (; to - from < MinVersions; (from, to) = await RestorableAsync())
        {
            if (Stopwatch.GetElapsedTime(started) > patience)
            {
                throw new TimeoutException(
                    $"versions {from} to {to} can be restored, no more after {patience.TotalSeconds} s:\n"
                    + backup.Printed);
            }

            await Task.Delay(PollInterval);
        }

        Version = from + ((to - from) / 2);
        int code = await backup.StopAsync();
        return code == 0
            ? string.Create(
                CultureInfo.InvariantCulture, $"versions {from} to {to} can be restored, {Version} was chosen")
            : throw new TimeoutException($"kv backup create ended with exit code {code}:\n{backup.Printed}");
    }

    /// <summary>Restores three replicas; each must have every write up to the version and none after it.</summary>
    public async Task<string> RestoreAsync()
    {
        string root = Path.Combine(folder, NewCluster);
        await RunAsync(
            "backup", "restore", "--from", _archive, "--to", root, "--cluster-id", NewCluster, "--nodes", "0,1,2",
            "--at-version", Version.ToString(CultureInfo.InvariantCulture));
        await using LiveCluster restored = await LiveCluster.StartAsync(
            replicas: 3, dataRoot: root, clusterId: NewCluster);
        await using KvCloudClient client = restored.NewClient();
        int held = 0;
        foreach (string endpoint in restored.Endpoints)
        {
            (int wrong, held, IReadOnlyList<string> examples) = await load.FindWrongAsync(client, endpoint, Version);
            if (wrong > 0)
            {
                Findings.Add(
                    $"{endpoint}, restored as of version {Version}, has {wrong} wrong: {string.Join("; ", examples)}");
            }
        }

        return string.Create(
            CultureInfo.InvariantCulture,
            $"three new replicas, each with the {held} writes up to version {Version}");
    }

    private async Task<(long From, long To)> RestorableAsync()
    {
        string printed = await RunAsync("backup", "list", "--from", _archive, "--json");
        foreach (string line in printed.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            using var parsed = JsonDocument.Parse(line);
            if (parsed.RootElement.GetProperty("kind").GetString() == "restorable")
            {
                return (
                    parsed.RootElement.GetProperty("from_version").GetInt64(),
                    parsed.RootElement.GetProperty("to_version").GetInt64());
            }
        }

        return (0, 0);
    }

    private static async Task<string> RunAsync(params string[] arguments)
    {
        (int code, string printed, string told) = await KvProcess.RunAsync(arguments);
        return code == 0
            ? printed
            : throw new TimeoutException($"kv {string.Join(' ', arguments)} ended with exit code {code}: {told}");
    }
}
