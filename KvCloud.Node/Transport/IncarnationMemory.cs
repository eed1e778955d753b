using System.Collections.Concurrent;

namespace KvCloud.Node.Transport;

/// <summary>
/// Incarnations for clusters whose nodes live no longer than the process: nothing is on disk, so nothing on disk can be
/// lost.
/// </summary>
internal sealed class IncarnationMemory : IIncarnationRegistry
{
    private readonly ConcurrentDictionary<int, long> _incarnations = new();

    public bool TryAdmit(int nodeId, long incarnation) => _incarnations.GetOrAdd(nodeId, incarnation) == incarnation;
}
