using KvCloud.Node.Access;
using KvCloud.Node.Operations;

namespace KvCloud.Node.State;

/// <summary>
/// What apply publishes to readers. Each part is published separately, in the order that keeps readers correct.
/// </summary>
internal sealed class PublishedState(
    AppliedState applied, CommitVersion oldestReadable, KeyspaceCatalog keyspaces, AccessCatalog access)
{
    private volatile AppliedState _applied = applied;
    private volatile KeyspaceCatalog _keyspaces = keyspaces;
    private volatile AccessCatalog _access = access;
    private long _oldestReadable = oldestReadable.Value;

    /// <summary>Published after the batch: everything it names can be read.</summary>
    public AppliedState Applied
    {
        get => _applied;
        set => _applied = value;
    }

    /// <summary>
    /// Published before the batch that writes it to the store, and long before the store drops older versions: a reader
    /// that the store can no longer serve finds the reason here.
    /// </summary>
    public CommitVersion OldestReadable
    {
        get => new(Volatile.Read(ref _oldestReadable));
        set => Volatile.Write(ref _oldestReadable, value.Value);
    }

    /// <summary>
    /// Published after the batch and before <see cref="Applied"/>: who waits for a version has its rights too.
    /// </summary>
    public AccessCatalog Access
    {
        get => _access;
        set => _access = value;
    }

    /// <summary>Dropped keyspaces disappear before the batch, new ones appear after it.</summary>
    public KeyspaceCatalog Keyspaces
    {
        get => _keyspaces;
        set => _keyspaces = value;
    }
}
