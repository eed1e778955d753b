using System.Globalization;

namespace KvCloud.Cli.Demo;

/// <summary>
/// The demo's data directory: a given one that is kept, or a temporary one that is removed at the end.
/// </summary>
internal sealed class DemoData : IDisposable
{
    private const string NodePrefix = "node_";

    private readonly KvConsole _console;

    /// <param name="kept">The directory to keep; null creates one that is removed at the end.</param>
    /// <param name="console">Reports a directory that cannot be removed.</param>
    public DemoData(string? kept, KvConsole console)
    {
        _console = console;
        IsKept = kept is not null;
        Root = kept is null ? Directory.CreateTempSubdirectory("kvcloud-demo-").FullName : Path.GetFullPath(kept);
    }

    public bool IsKept { get; }

    /// <summary>Absolute path.</summary>
    public string Root { get; }

    /// <summary>
    /// The number of replicas: existing data determines it, because a cluster cannot be started with another number
    /// than it was created with; otherwise the requested number.
    /// </summary>
    public int Replicas(int? wanted, int usual)
    {
        int found = Directory.Exists(Root) ? Directory.EnumerateDirectories(Root, NodePrefix + "*").Count(IsNode) : 0;
        if (found > 0 && wanted is { } number && number != found)
        {
            throw new UsageException(string.Create(
                CultureInfo.InvariantCulture,
                $"{Root} has the data of {found} replicas and cannot be started with {number}; omit --replicas"
                + $" or choose another --data"));
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
            _console.WriteError($"{Root} was not removed: {exception.Message}");
        }
    }

    private static bool IsNode(string path) => int.TryParse(
        Path.GetFileName(path).AsSpan(NodePrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out _);
}
