using KvCloud.Consensus;

namespace KvCloud.Tests.Simulation;

/// <summary>A file or a directory of a <see cref="SimDisk"/>, whatever its name.</summary>
internal abstract class SimInode
{
    /// <summary>What is seen is from now on what is durable, and some of what was not.</summary>
    public abstract void CutPower(DeterministicRandom random);

    /// <summary>A copy of what is seen, all of it durable.</summary>
    public abstract SimInode Clone();
}

/// <summary>A name was made (From is null), changed, or removed (To is null).</summary>
internal sealed record NameChange(string? From, string? To, SimInode Node)
{
    public void ApplyTo(SortedDictionary<string, SimInode> names)
    {
        if (From is not null && names.GetValueOrDefault(From) == Node)
        {
            names.Remove(From);
        }

        if (To is null)
        {
            return;
        }

        // A node has one name: another that it had meanwhile, and which never got to the disk, is not left behind.
        foreach (string other in names.Where(entry => entry.Value == Node).Select(entry => entry.Key).ToList())
        {
            names.Remove(other);
        }

        names[To] = Node;
    }
}

/// <summary>A call of an operation, and how it never happened.</summary>
internal abstract class JournaledCall
{
    /// <param name="random">Not null if a part of it may have happened.</param>
    public abstract void Undo(DeterministicRandom? random);
}

/// <summary>Names, as they are seen and as they are on the disk.</summary>
internal sealed class SimDirectory : SimInode
{
    /// <summary>Changes of names that were not flushed, in their order.</summary>
    private List<NameChange> _pending = [];
    private SortedDictionary<string, SimInode> _durable = new(StringComparer.Ordinal);

    public SortedDictionary<string, SimInode> Visible { get; private set; } = new(StringComparer.Ordinal);

    public JournaledCall Change(NameChange change)
    {
        var call = new ChangeCall(this, change);
        change.ApplyTo(Visible);
        _pending.Add(change);
        return call;
    }

    public JournaledCall Flush()
    {
        var call = new FlushCall(this);
        _durable = new SortedDictionary<string, SimInode>(Visible, StringComparer.Ordinal);
        _pending = [];
        return call;
    }

    /// <summary>A journaling file system loses the last changes of a directory; others may lose any.</summary>
    public override void CutPower(DeterministicRandom random)
    {
        bool isJournaled = random.Chance(500);
        int kept = isJournaled ? random.Next(_pending.Count + 1) : 0;
        for (int i = 0; i < _pending.Count; i++)
        {
            if (isJournaled ? i < kept : random.Chance(500))
            {
                _pending[i].ApplyTo(_durable);
            }
        }

        _pending.Clear();
        Visible = new SortedDictionary<string, SimInode>(_durable, StringComparer.Ordinal);
        foreach (SimInode node in Visible.Values)
        {
            node.CutPower(random);
        }
    }

    public override SimInode Clone()
    {
        var clone = new SimDirectory();
        foreach ((string name, SimInode node) in Visible)
        {
            clone.Put(name, node.Clone());
        }

        return clone;
    }

    /// <summary>The name stands for the node, durably.</summary>
    public void Put(string name, SimInode node)
    {
        Visible[name] = node;
        _durable[name] = node;
    }

    public void Lose(string name, SimInode node)
    {
        Visible.Remove(name);
        _durable.Remove(name);
        foreach (string other in _durable.Where(entry => entry.Value == node).Select(entry => entry.Key).ToList())
        {
            _durable.Remove(other);
        }

        _pending.RemoveAll(change => change.Node == node || change.From == name || change.To == name);
    }

    private sealed class ChangeCall(SimDirectory directory, NameChange change) : JournaledCall
    {
        private readonly SimInode? _replaced =
            change.To is null ? null : directory.Visible.GetValueOrDefault(change.To);

        public override void Undo(DeterministicRandom? random)
        {
            directory._pending.RemoveAt(directory._pending.Count - 1);
            if (change.To is not null)
            {
                directory.Visible.Remove(change.To);
                if (_replaced is not null)
                {
                    directory.Visible[change.To] = _replaced;
                }
            }

            if (change.From is not null)
            {
                directory.Visible[change.From] = change.Node;
            }
        }
    }

    private sealed class FlushCall(SimDirectory directory) : JournaledCall
    {
        private readonly SortedDictionary<string, SimInode> _durableBefore = directory._durable;
        private readonly List<NameChange> _pendingBefore = directory._pending;

        public override void Undo(DeterministicRandom? random)
        {
            directory._durable = _durableBefore;
            directory._pending = _pendingBefore;
        }
    }
}
