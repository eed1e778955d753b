using KvCloud.Node.Operations;

namespace KvCloud.Node.State;

/// <summary>
/// A column family as KvCloud implements it: a range of keys in the tables, identified by a number that is never
/// reused.
/// </summary>
internal sealed class Keyspace(uint id, string name, CommitVersion createdAt)
{
    public const string DefaultName = "default";

    private long _sampledKeys;

    public uint Id { get; } = id;

    public string Name { get; } = name;

    /// <summary>The commit version that created it; before that it holds nothing.</summary>
    public CommitVersion CreatedAt { get; } = createdAt;

    /// <summary>
    /// Number of keys that have a value, among those that <see cref="KeyCount"/> samples. Only apply writes it; any
    /// thread may read.
    /// </summary>
    public long SampledKeys
    {
        get => Volatile.Read(ref _sampledKeys);
        set => Volatile.Write(ref _sampledKeys, value);
    }
}
