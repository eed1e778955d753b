using System.Collections.Concurrent;
using KvCloud.Consensus;

namespace KvCloud.Node.Transport;

/// <summary>
/// Connects the transports of several nodes in one process. Links are one-way and can be cut, slowed and made lossy at
/// run time. A node that leaves may come back under the same id, as a restarted process does.
/// </summary>
internal sealed class InMemoryNetwork
{
    private readonly ConcurrentDictionary<int, InMemoryTransport> _members = new();
    private readonly ConcurrentDictionary<(int From, int To), LinkFault> _faults = new();

    /// <summary>Creates a transport of this network; others can reach it from its start until its disposal.</summary>
    public InMemoryTransport Join(PeerIdentity self, IEnumerable<int> peers) => new(this, self, peers);

    /// <summary>From now on nothing arrives in this direction.</summary>
    public void Cut(int from, int to) => Change(from, to, fault => fault with { IsCut = true });

    /// <summary>From now on messages in this direction are delayed by this much.</summary>
    public void Delay(int from, int to, TimeSpan delay)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(delay, TimeSpan.Zero);
        Change(from, to, fault => fault with { DelayMs = (long)delay.TotalMilliseconds });
    }

    /// <summary>
    /// From now on this many of a thousand messages in this direction are lost, in a sequence determined by the seed.
    /// </summary>
    public void Lose(int from, int to, int perThousand, ulong seed)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)perThousand, 1000u);
        Change(from, to, fault => fault with { LostPerThousand = perThousand, Random = new Random((int)seed) });
    }

    /// <summary>Removes all faults of the link in this direction.</summary>
    public void Heal(int from, int to) => _faults.TryRemove((from, to), out _);

    public void HealAll() => _faults.Clear();

    internal void Register(InMemoryTransport member)
    {
        if (!_members.TryAdd(member.Self.NodeId, member))
        {
            throw new InvalidOperationException($"Node {member.Self.NodeId} is in this network already.");
        }
    }

    internal void Unregister(InMemoryTransport member) =>
        _members.TryRemove(new KeyValuePair<int, InMemoryTransport>(member.Self.NodeId, member));

    /// <summary>The node at the other end, null if it is not running; nodes of another cluster are unknown.</summary>
    internal InMemoryTransport? Find(int from, int to, string clusterId) =>
        !IsCut(from, to) && _members.TryGetValue(to, out InMemoryTransport? member)
        && member.Self.ClusterId == clusterId
            ? member
            : null;

    /// <summary>The delay of a message on this link; null when it is lost.</summary>
    internal long? DelayMs(int from, int to)
    {
        if (!_faults.TryGetValue((from, to), out LinkFault? fault))
        {
            return 0;
        }

        return fault.IsCut || fault.LosesNext() ? null : fault.DelayMs;
    }

    private bool IsCut(int from, int to) => _faults.TryGetValue((from, to), out LinkFault? fault) && fault.IsCut;

    private void Change(int from, int to, Func<LinkFault, LinkFault> change) =>
        _faults.AddOrUpdate((from, to), _ => change(new LinkFault()), (_, fault) => change(fault));

    private sealed record LinkFault
    {
        private readonly Lock _lock = new();

        public bool IsCut { get; init; }

        public long DelayMs { get; init; }

        public int LostPerThousand { get; init; }

        public Random? Random { get; init; }

        public bool LosesNext()
        {
            if (Random is null)
            {
                return false;
            }

            lock (_lock)
            {
                return Random.Next(1000) < LostPerThousand;
            }
        }
    }
}
