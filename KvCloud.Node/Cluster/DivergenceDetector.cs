using KvCloud.Consensus;

namespace KvCloud.Node.Cluster;

/// <summary>Two replicas whose state hashes differ at the same slot.</summary>
internal readonly record struct Divergence(NodeId Peer, Slot Slot, ulong OwnHash, ulong PeerHash);

/// <summary>
/// Compares state hashes at equal slots. Replicas hash at the same slots but at different times, so the latest hashes
/// of each replica are kept until the other one reaches the slot. A difference stays marked until both replicas agree
/// at a later slot, as they do after one of them was restored. Thread-safe.
/// </summary>
internal sealed class DivergenceDetector(NodeId self)
{
    private const int Kept = 256;

    private readonly Lock _lock = new();
    private readonly HashHistory _own = new();
    private readonly Dictionary<NodeId, HashHistory> _peers = [];
    private readonly Dictionary<NodeId, Slot> _diverged = [];

    public bool Any
    {
        get
        {
            lock (_lock)
            {
                return _diverged.Count > 0;
            }
        }
    }

    public bool IsDiverged(NodeId peer)
    {
        lock (_lock)
        {
            return _diverged.ContainsKey(peer);
        }
    }

    /// <summary>Adds a hash of this replica or of a peer; returns the divergences it reveals.</summary>
    public IReadOnlyList<Divergence> Add(NodeId from, Slot slot, ulong hash)
    {
        if (slot == Slot.Zero)
        {
            return [];
        }

        lock (_lock)
        {
            if (from == self)
            {
                _own.Add(slot, hash);
                return [.. _peers.Select(peer => Compare(peer.Key, peer.Value, slot)).OfType<Divergence>()];
            }

            if (!_peers.TryGetValue(from, out HashHistory? history))
            {
                _peers[from] = history = new HashHistory();
            }

            history.Add(slot, hash);
            return Compare(from, history, slot) is { } found ? [found] : [];
        }
    }

    private Divergence? Compare(NodeId peer, HashHistory history, Slot slot)
    {
        if (_own.Find(slot) is not ulong own || history.Find(slot) is not ulong theirs)
        {
            return null;
        }

        bool isKnown = _diverged.TryGetValue(peer, out Slot since);
        if (own == theirs)
        {
            if (isKnown && slot > since)
            {
                _diverged.Remove(peer);
            }

            return null;
        }

        _diverged[peer] = isKnown ? Slot.Max(since, slot) : slot;
        return isKnown ? null : new Divergence(peer, slot, own, theirs);
    }

    /// <summary>The latest hashes of one replica, by slot.</summary>
    private sealed class HashHistory
    {
        private readonly SortedDictionary<long, ulong> _hashes = [];

        public void Add(Slot slot, ulong hash)
        {
            _hashes[slot.Value] = hash;
            if (_hashes.Count > Kept)
            {
                _hashes.Remove(_hashes.First().Key);
            }
        }

        public ulong? Find(Slot slot) => _hashes.TryGetValue(slot.Value, out ulong hash) ? hash : null;
    }
}
