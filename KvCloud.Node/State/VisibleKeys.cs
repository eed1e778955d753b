using KvCloud.Node.Operations;
using KvCloud.Node.Storage;

namespace KvCloud.Node.State;

/// <summary>Walks the keys of one keyspace that have a value at one version, in either direction.</summary>
/// <exception cref="VersionTooOldException">The version left the window before the cursor was created; leaving it later
/// does not matter.</exception>
internal sealed class VisibleKeys(IKvStore store, uint keyspace, CommitVersion at) : IDisposable
{
    private readonly IKvIterator _records = store.IterateAt(at);

    public bool IsValid => _records.IsValid && MvccKey.KeyspaceOf(_records.Key) == keyspace;

    /// <summary>The key, prefixed with its keyspace.</summary>
    public ReadOnlySpan<byte> PhysicalKey => _records.Key;

    public ReadOnlySpan<byte> Key => MvccKey.UserKeyOf(_records.Key);

    public VersionedValue Value => VersionedValue.Parse(_records.Value);

    /// <summary>Moves to the first visible key at or after the physical key.</summary>
    public bool Seek(ReadOnlySpan<byte> physicalKey)
    {
        _records.Seek(physicalKey);
        return SkipForward();
    }

    /// <summary>Moves to the last visible key strictly before the physical key.</summary>
    public bool SeekBefore(ReadOnlySpan<byte> physicalKey)
    {
        _records.SeekBefore(physicalKey);
        return SkipBackward();
    }

    public bool MoveNext()
    {
        _records.MoveNext();
        return SkipForward();
    }

    public bool MovePrevious()
    {
        _records.MovePrevious();
        return SkipBackward();
    }

    public void Dispose() => _records.Dispose();

    private bool SkipForward()
    {
        while (IsValid && Value.IsTombstone)
        {
            _records.MoveNext();
        }

        return IsValid;
    }

    private bool SkipBackward()
    {
        while (IsValid && Value.IsTombstone)
        {
            _records.MovePrevious();
        }

        return IsValid;
    }
}
