using KvCloud.Bench.Drivers;
using KvCloud.Bench.Load;

namespace KvCloud.Bench.Clusters;

/// <summary>
/// Three or so servers that a measure starts and stops, on free ports, with a data directory of their own.
/// </summary>
internal abstract class BenchCluster : IAsyncDisposable
{
    /// <summary>How long a start may take.</summary>
    protected static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Between two questions whether the start is done.</summary>
    protected static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <param name="name">Part of the data directory's name.</param>
    /// <param name="dataRoot">The data directory is made here and removed with the cluster.</param>
    protected BenchCluster(string name, string dataRoot)
    {
        Name = name;
        DataDirectory = DataDisk.NewDirectory(dataRoot, name);
    }

    public string Name { get; }

    public abstract DriverKind Driver { get; }

    /// <summary>Client endpoints, by member.</summary>
    public abstract IReadOnlyList<string> Endpoints { get; }

    public abstract IReadOnlyList<IBenchMember> Members { get; }

    protected DirectoryInfo DataDirectory { get; }

    /// <summary>Starts all members and waits until one leads and all serve.</summary>
    public abstract Task StartAsync(CancellationToken cancellationToken);

    /// <summary>Starts a member again that was killed, and waits until it serves.</summary>
    public abstract Task RestartAsync(int member, CancellationToken cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await KillAsync().ConfigureAwait(false);
        try
        {
            DataDirectory.Delete(recursive: true);
        }
        catch (IOException failure)
        {
            await Console.Error.WriteLineAsync($"{DataDirectory.FullName} stays behind: {failure.Message}")
                .ConfigureAwait(false);
        }
    }

    /// <summary>Kills all members.</summary>
    protected abstract Task KillAsync();

    protected async Task<bool> HasLeaderAsync(CancellationToken cancellationToken) =>
        await DriverFactory.LeaderFinder(Driver).FindLeaderAsync(Endpoints, cancellationToken)
            .ConfigureAwait(false) is not null;

    /// <summary>Where a member's output goes.</summary>
    protected string LogPath(int member) => Path.Combine(DataDirectory.FullName, $"{member}.log");
}
