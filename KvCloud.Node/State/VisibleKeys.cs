using KvCloud.Node.Storage;

namespace KvCloud.Node.State;

/// <summary>
/// Walks the keys of one keyspace that have a value at one version, in either direction. Keys that have changed
/// since are looked up in the history one by one.
/// </summary>
internal sealed class VisibleKeys : IDisposable
{
    private const int ScratchSizeBytes = 1024;

    private readonly IKvSnapshot _snapshot;
    private readonly IKvIterator _current;
    private readonly uint _keyspace;
    private readonly CommitVersion _at;
    private byte[] _historyKey = [];
    private byte[]? _historic;

    public VisibleKeys(IKvSnapshot snapshot, uint keyspace, CommitVersion at)
    {
        _snapshot = snapshot;
        _keyspace = keyspace;
        _at = at;
        _current = snapshot.Iterate(KvTable.Current);
    }

    public bool IsValid => _current.IsValid && MvccKey.KeyspaceOf(_current.Key) == _keyspace;

    /// <summary>In the current table: with the keyspace in front.</summary>
    public ReadOnlySpan<byte> PhysicalKey => _current.Key;

    public ReadOnlySpan<byte> Key => MvccKey.UserKeyOf(_current.Key);

    public VersionedValue Value => VersionedValue.Parse(_historic ?? _current.Value);

    /// <summary>Moves to the first visible key at or after the physical key.</summary>
    public bool Seek(ReadOnlySpan<byte> physicalKey)
    {
        _current.Seek(physicalKey);
        return SkipForward();
    }

    /// <summary>Moves to the last visible key strictly before the physical key.</summary>
    public bool SeekBefore(ReadOnlySpan<byte> physicalKey)
    {
        _current.SeekBefore(physicalKey);
        return SkipBackward();
    }

    public bool MoveNext()
    {
        _current.MoveNext();
        return SkipForward();
    }

    public bool MovePrevious()
    {
        _current.MovePrevious();
        return SkipBackward();
    }

    public void Dispose() => _current.Dispose();

    private bool SkipForward()
    {
        while (IsValid && !IsVisible())
        {
            _current.MoveNext();
        }

        return IsValid;
    }

    private bool SkipBackward()
    {
        while (IsValid && !IsVisible())
        {
            _current.MovePrevious();
        }

        return IsValid;
    }

    private bool IsVisible()
    {
        VersionedValue newest = VersionedValue.Parse(_current.Value);
        _historic = null;
        if (newest.Version <= _at)
        {
            return !newest.IsTombstone;
        }

        ReadOnlySpan<byte> key = Key;
        if (_historyKey.Length < key.Length + MvccKey.MaxOverheadBytes)
        {
            _historyKey = new byte[(key.Length * 2) + MvccKey.MaxOverheadBytes];
        }

        var buffer = new ValueBuffer(stackalloc byte[ScratchSizeBytes]);
        if (HistoryReader.TryFind(
                _snapshot, _keyspace, key, _at, newest.Version, newest.Link, _historyKey, ref buffer)
            && !VersionedValue.Parse(buffer.Value).IsTombstone)
        {
            _historic = buffer.Value.ToArray();
        }

        buffer.Dispose();
        return _historic is not null;
    }
}
