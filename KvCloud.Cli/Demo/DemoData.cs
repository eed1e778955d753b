using System.Globalization;

namespace KvCloud.Cli.Demo;

/// <summary>Where a demo keeps its data: in a directory that stays, or in one that goes with it.</summary>
internal sealed class DemoData : IDisposable
{
    private const string NodePrefix = "node_";

    private readonly KvConsole _console;

    /// <param name="kept">The directory that stays; null for one that is removed at the end.</param>
    /// <param name="console">Hears of a directory that cannot be removed.</param>
    public DemoData(string? kept, KvConsole console)
    {
        _console = console;
        IsKept = kept is not null;
        Root = kept is null ? Directory.CreateTempSubdirectory("kvcloud-demo-").FullName : Path.GetFullPath(kept);
    }

    public bool IsKept { get; }

    /// <summary>Absolute.</summary>
    public string Root { get; }

    /// <summary>
    /// How many replicas the cluster has: as its data says, since a cluster is never started with another number than
    /// the one it began with; else as asked for.
    /// </summary>
    public int Replicas(int? wanted, int usual)
    {
        int found = Directory.Exists(Root) ? Directory.EnumerateDirectories(Root, NodePrefix + "*").Count(IsNode) : 0;
        if (found > 0 && wanted is { } number && number != found)
        {
            throw new UsageException(string.Create(
                CultureInfo.InvariantCulture,
                $"{Root} holds the data of {found} replicas, which cannot be started as {number}; leave --replicas"
                + $" out, or choose another --data"));
        }

        return found > 0 ? found : wanted ?? usual;
    }

    public void Dispose()
    {
        if (IsKept)
        {
            return;
        }

        try
        {
            Directory.Delete(Root, recursive: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            _console.Complain($"{Root} stays behind: {exception.Message}");
        }
    }

    private static bool IsNode(string path) => int.TryParse(
        Path.GetFileName(path).AsSpan(NodePrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out _);
}
