using KvCloud.Node.Operations;

namespace KvCloud.Node.State;

/// <summary>
/// A column family of ours: a range of keys in the tables, named by a number that is never used again.
/// </summary>
internal sealed class Keyspace(uint id, string name, CommitVersion createdAt)
{
    public const string DefaultName = "default";

    private long _sampledKeys;

    public uint Id { get; } = id;

    public string Name { get; } = name;

    /// <summary>Commit version of its creation: before that there is nothing to read in it.</summary>
    public CommitVersion CreatedAt { get; } = createdAt;

    /// <summary>
    /// Of the keys that <see cref="KeyCount"/> samples, those that have a value. Written by apply alone, read by
    /// anybody.
    /// </summary>
    public long SampledKeys
    {
        get => Volatile.Read(ref _sampledKeys);
        set => Volatile.Write(ref _sampledKeys, value);
    }
}
