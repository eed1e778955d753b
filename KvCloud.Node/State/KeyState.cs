using KvCloud.Node.Operations;
using KvCloud.Node.Storage;

namespace KvCloud.Node.State;

/// <summary>When a key was last written, and whether that deleted it.</summary>
internal readonly record struct KeyState(CommitVersion Version, bool IsTombstone)
{
    public static KeyState OfRecord(ReadOnlySpan<byte> record)
    {
        var stored = VersionedValue.Parse(record);
        return new KeyState(stored.Version, stored.IsTombstone);
    }
}
