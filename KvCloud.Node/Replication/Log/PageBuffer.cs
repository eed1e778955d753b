namespace KvCloud.Node.Replication.Log;

/// <summary>
/// The pages that are to be written: before the new group what the first of them holds already. One for a log, used
/// again and again.
/// </summary>
internal sealed class PageBuffer
{
    private const int InitialSizeBytes = 64 * 1024;
    private const int LargestKeptBytes = 4 * 1024 * 1024;

    private byte[] _bytes = new byte[InitialSizeBytes];

    /// <summary>So many bytes, which begin with what was kept.</summary>
    public Span<byte> Take(int size)
    {
        if (_bytes.Length < size)
        {
            Array.Resize(ref _bytes, Math.Max(2 * _bytes.Length, size));
        }

        return _bytes.AsSpan(0, size);
    }

    /// <summary>Begins with this from now on.</summary>
    public void Keep(ReadOnlySpan<byte> start)
    {
        byte[] bytes = _bytes.Length > LargestKeptBytes ? new byte[InitialSizeBytes] : _bytes;
        start.CopyTo(bytes);
        _bytes = bytes;
    }
}
