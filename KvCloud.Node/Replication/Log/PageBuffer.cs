namespace KvCloud.Node.Replication.Log;

/// <summary>
/// The pages of the next write: the existing content of the first page, then the new group. One per log, reused.
/// </summary>
internal sealed class PageBuffer
{
    private const int InitialSizeBytes = 64 * 1024;
    private const int LargestKeptBytes = 4 * 1024 * 1024;

    private byte[] _bytes = new byte[InitialSizeBytes];

    /// <summary>A buffer of this size that begins with what was kept.</summary>
    public Span<byte> Take(int size)
    {
        if (_bytes.Length < size)
        {
            Array.Resize(ref _bytes, Math.Max(2 * _bytes.Length, size));
        }

        return _bytes.AsSpan(0, size);
    }

    /// <summary>Keeps these bytes as the beginning of the next buffer.</summary>
    public void Keep(ReadOnlySpan<byte> start)
    {
        byte[] bytes = _bytes.Length > LargestKeptBytes ? new byte[InitialSizeBytes] : _bytes;
        start.CopyTo(bytes);
        _bytes = bytes;
    }
}
