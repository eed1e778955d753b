using KvCloud.Bench.Drivers;
using KvCloud.Bench.Load;

namespace KvCloud.Bench.Clusters;

/// <summary>A cluster that a benchmark starts and stops, on free ports and with its own data directory.</summary>
internal abstract class BenchCluster : IAsyncDisposable
{
    /// <summary>How long a start may take.</summary>
    protected static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);

    /// <summary>Polling interval while waiting for the start.</summary>
    protected static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <param name="name">Part of the data directory's name.</param>
    /// <param name="dataRoot">The data directory is created below it and removed with the cluster.</param>
    protected BenchCluster(string name, string dataRoot)
    {
        Name = name;
        DataDirectory = DataDisk.NewDirectory(dataRoot, name);
    }

    public string Name { get; }

    public abstract DriverKind Driver { get; }

    /// <summary>Client endpoints, in the order of the members.</summary>
    public abstract IReadOnlyList<string> Endpoints { get; }

    public abstract IReadOnlyList<IBenchMember> Members { get; }

    protected DirectoryInfo DataDirectory { get; }

    /// <summary>Starts all members and waits until one is the leader and all serve requests.</summary>
    public abstract Task StartAsync(CancellationToken cancellationToken);

    /// <summary>Restarts a killed member and waits until it serves requests.</summary>
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
            await Console.Error.WriteLineAsync($"{DataDirectory.FullName} was not removed: {failure.Message}")
                .ConfigureAwait(false);
        }
    }

    /// <summary>Kills all members.</summary>
    protected abstract Task KillAsync();

    protected async Task<bool> HasLeaderAsync(CancellationToken cancellationToken) =>
        await DriverFactory.LeaderFinder(Driver).FindLeaderAsync(Endpoints, cancellationToken)
            .ConfigureAwait(false) is not null;

    /// <summary>Log file of a member's output.</summary>
    protected string LogPath(int member) => Path.Combine(DataDirectory.FullName, $"{member}.log");
}
