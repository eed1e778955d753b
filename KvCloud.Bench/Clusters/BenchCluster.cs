using System.Diagnostics;
using KvCloud.Bench.Drivers;
using KvCloud.Bench.Load;

namespace KvCloud.Bench.Clusters;

/// <summary>What both clusters have in common: processes, a data directory of their own, readiness by asking.</summary>
internal abstract class BenchCluster : IBenchCluster
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly List<ServerProcess> _members = [];

    /// <param name="name">Part of the data directory's name.</param>
    /// <param name="dataRoot">The data directory is made here and removed with the cluster.</param>
    /// <param name="count">Members.</param>
    /// <param name="portsEach">Ports a member needs.</param>
    protected BenchCluster(string name, string dataRoot, int count, int portsEach)
    {
        Name = name;
        DataDirectory = DataDisk.NewDirectory(dataRoot, name);
        Ports = KvCloud.Bench.Endpoints.FreePorts(count * portsEach);
        Endpoints = [.. Enumerable.Range(0, count).Select(i => $"127.0.0.1:{Ports[i]}")];
        for (var i = 0; i < count; i++)
        {
            var member = i;
            _members.Add(new ServerProcess(
                $"{name}-{i}", Path.Combine(DataDirectory.FullName, $"{i}.log"), () => Describe(member)));
        }
    }

    public string Name { get; }

    public abstract DriverKind Driver { get; }

    public IReadOnlyList<string> Endpoints { get; }

    public IReadOnlyList<ServerProcess> Members => _members;

    protected DirectoryInfo DataDirectory { get; }

    /// <summary>The first Members.Count are the client ports, in order.</summary>
    protected IReadOnlyList<int> Ports { get; }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var member in _members)
        {
            member.Start();
        }

        await WaitAsync("to lead and serve", IsReadyAsync, cancellationToken).ConfigureAwait(false);
    }

    public async Task RestartAsync(int member, CancellationToken cancellationToken)
    {
        _members[member].Start();
        await WaitAsync("to serve again", IsReadyAsync, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var member in _members)
        {
            await member.DisposeAsync().ConfigureAwait(false);
        }

        try
        {
            DataDirectory.Delete(recursive: true);
        }
        catch (IOException failure)
        {
            await Console.Error.WriteLineAsync($"{DataDirectory.FullName} stays behind: {failure.Message}").ConfigureAwait(false);
        }
    }

    protected abstract ProcessStartInfo Describe(int member);

    /// <summary>Whether all members are up and agree.</summary>
    protected abstract Task<bool> IsReadyAsync(CancellationToken cancellationToken);

    protected async Task<bool> HasLeaderAsync(CancellationToken cancellationToken) =>
        await DriverFactory.LeaderFinder(Driver).FindLeaderAsync(Endpoints, cancellationToken).ConfigureAwait(false) is not null;

    private async Task WaitAsync(
        string what, Func<CancellationToken, Task<bool>> isDone, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        while (!await isDone(cancellationToken).ConfigureAwait(false))
        {
            foreach (var member in _members)
            {
                member.DemandRunning();
            }

            if (Stopwatch.GetElapsedTime(started) > Patience)
            {
                throw new BenchException(
                    $"{Name} took longer than {Patience.TotalSeconds} s {what}; {_members[0].Name} wrote:\n{_members[0].LogTail()}");
            }

            await Task.Delay(Pause, cancellationToken).ConfigureAwait(false);
        }
    }
}
