using KvCloud.Bench.Load;

namespace KvCloud.Bench.Clusters;

/// <summary>Three or so servers that a measure starts and stops.</summary>
internal interface IBenchCluster : IAsyncDisposable
{
    string Name { get; }

    DriverKind Driver { get; }

    /// <summary>Client endpoints, by member.</summary>
    IReadOnlyList<string> Endpoints { get; }

    IReadOnlyList<ServerProcess> Members { get; }

    /// <summary>Starts all members and waits until one leads and all serve.</summary>
    Task StartAsync(CancellationToken cancellationToken);

    /// <summary>Starts a member again that was killed, and waits until it serves.</summary>
    Task RestartAsync(int member, CancellationToken cancellationToken);
}
