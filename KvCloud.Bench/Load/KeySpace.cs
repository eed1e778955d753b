using System.Buffers.Text;

namespace KvCloud.Bench.Load;

/// <summary>
/// The keys of a run: numbers from 0, written as one letter and fixed-width decimal digits, so that key order equals
/// numeric order. Shared by all loops of a run.
/// </summary>
internal sealed class KeySpace
{
    /// <summary>One letter and enough digits for 9,999,999 keys.</summary>
    public const int SmallestKeySizeBytes = 8;

    private const int LongestNumber = 18;
    private long _count;
    private long _nextSequential = -1;

    public KeySpace(long count, int keySizeBytes)
    {
        if (keySizeBytes < SmallestKeySizeBytes)
        {
            throw new BenchException($"--key-size {keySizeBytes} is too small: the minimum is {SmallestKeySizeBytes}");
        }

        int digits = Math.Min(keySizeBytes - 1, LongestNumber);
        if (count < 1 || (digits < LongestNumber && count > (long)Math.Pow(10, digits) / 2))
        {
            throw new BenchException($"--keys {count} does not fit: from 1 to half of what {digits} digits hold");
        }

        _count = count;
        KeySizeBytes = keySizeBytes;
    }

    public int KeySizeBytes { get; }

    /// <summary>Number of keys: those at the start and those inserted since.</summary>
    public long Count => Volatile.Read(ref _count);

    /// <summary>Returns the number of a new key.</summary>
    public long TakeNew() => Interlocked.Increment(ref _count) - 1;

    /// <summary>
    /// The next number in order, wrapping around. Shared, so that loops do not go through the same keys in step.
    /// </summary>
    public long TakeSequential() => (long)((ulong)Interlocked.Increment(ref _nextSequential) % (ulong)Count);

    /// <summary>
    /// Writes key <paramref name="number"/> into <paramref name="destination"/>, which is KeySizeBytes long.
    /// </summary>
    public void Write(long number, Span<byte> destination)
    {
        Span<byte> digits = stackalloc byte[20];
        Utf8Formatter.TryFormat(number, digits, out int written);
        destination.Fill((byte)'0');
        destination[0] = (byte)'k';
        digits[..written].CopyTo(destination[^written..]);
    }
}
