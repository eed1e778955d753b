using KvCloud.Node.Operations;

namespace KvCloud.Node.State;

/// <summary>What apply tells readers. Each part is published alone, in the order that keeps readers right.</summary>
internal sealed class PublishedState(AppliedState applied, CommitVersion oldestReadable, KeyspaceCatalog keyspaces)
{
    private volatile AppliedState _applied = applied;
    private volatile KeyspaceCatalog _keyspaces = keyspaces;
    private long _oldestReadable = oldestReadable.Value;

    /// <summary>After the batch: what it names can be read.</summary>
    public AppliedState Applied
    {
        get => _applied;
        set => _applied = value;
    }

    /// <summary>
    /// Before the batch that brings it into the store, and long before the store forgets what is older: a reader that
    /// the store no longer answers finds here why.
    /// </summary>
    public CommitVersion OldestReadable
    {
        get => new(Volatile.Read(ref _oldestReadable));
        set => Volatile.Write(ref _oldestReadable, value.Value);
    }

    /// <summary>Dropped ones vanish before the batch, new ones appear after it.</summary>
    public KeyspaceCatalog Keyspaces
    {
        get => _keyspaces;
        set => _keyspaces = value;
    }
}
