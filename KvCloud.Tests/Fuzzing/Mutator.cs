using System.Buffers.Binary;

namespace KvCloud.Tests.Fuzzing;

/// <summary>
/// Makes inputs out of others: a few random changes, of bits, of numbers as a binary format holds them, of pieces that
/// come, go, repeat, move or come from another input. Everything follows from the seed.
/// </summary>
internal sealed class Mutator(FuzzTarget target, int seed)
{
    private const int LongestInput = 64 * 1024;
    private const int MostChanges = 6;

    private static readonly long[] Numbers =
    [
        0, 1, -1, 2, 7, 8, 15, 16, 127, 128, 255, 256, 511, 512, 4095, 4096, 32767, 32768, 65535, 65536, 1 << 20,
        1 << 24, int.MaxValue, int.MaxValue - 1, int.MaxValue - 16, int.MinValue, 1L << 31, 1L << 32, long.MaxValue,
        long.MinValue, 0x80010001, 0x0B0B0B0B,
    ];

    private readonly Random _random = new(seed);
    private readonly List<byte[]> _pool = [.. target.Seeds];

    /// <summary>Keeps an input that is worth changing further.</summary>
    public void Keep(byte[] input)
    {
        if (input.Length <= LongestInput)
        {
            _pool.Add(input);
        }
    }

    public byte[] Next()
    {
        List<byte> bytes = [.. _pool[_random.Next(_pool.Count)]];
        for (int changes = _random.Next(2) == 0 ? 1 : 1 + _random.Next(MostChanges); changes > 0; changes--)
        {
            Change(bytes);
        }

        if (bytes.Count > LongestInput)
        {
            bytes.RemoveRange(LongestInput, bytes.Count - LongestInput);
        }

        byte[] input = [.. bytes];
        return target.Repair is { } repair && _random.Next(4) > 0 ? repair(input) : input;
    }

    private void Change(List<byte> bytes)
    {
        int kind = bytes.Count == 0 ? 6 : _random.Next(10);
        int at = bytes.Count == 0 ? 0 : _random.Next(bytes.Count);
        switch (kind)
        {
            case 0:
                bytes[at] ^= (byte)(1 << _random.Next(8));
                break;
            case 1:
                bytes[at] = (byte)_random.Next(256);
                break;
            case 2 or 3:
                Overwrite(bytes, at, Number());
                break;
            case 4:
                bytes.RemoveRange(at, Math.Min(bytes.Count - at, 1 + _random.Next(16)));
                break;
            case 5:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            case 6:
                bytes.InsertRange(at, Piece());
                break;
            case 7:
                Repeat(bytes, at);
                break;
            case 8:
                Overwrite(bytes, at, Piece());
                break;
            default:
                Splice(bytes, at);
                break;
        }
    }

    /// <summary>A number in one of the sizes and orders of bytes that formats have.</summary>
    private byte[] Number()
    {
        long value = _random.Next(3) == 0
            ? _random.NextInt64()
            : Numbers[_random.Next(Numbers.Length)] + _random.Next(-1, 2);
        byte[] bytes = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        int size = 1 << _random.Next(4);
        byte[] number = bytes[..size];
        if (_random.Next(2) == 0)
        {
            Array.Reverse(number);
        }

        return number;
    }

    private byte[] Piece()
    {
        if (target.Words.Count > 0 && _random.Next(2) == 0)
        {
            return target.Words[_random.Next(target.Words.Count)];
        }

        byte[] piece = new byte[_random.Next(1, 24)];
        _random.NextBytes(piece);
        return piece;
    }

    /// <summary>A piece once more, or many times more: depth, and lists that are long.</summary>
    private void Repeat(List<byte> bytes, int at)
    {
        byte[] piece = [.. bytes.Skip(at).Take(1 + _random.Next(32))];
        int times = _random.Next(8) == 0 ? _random.Next(1, 2_000) : _random.Next(1, 8);
        for (int i = 0; i < times && bytes.Count + piece.Length <= LongestInput; i++)
        {
            bytes.InsertRange(at, piece);
        }
    }

    private void Splice(List<byte> bytes, int at)
    {
        byte[] other = _pool[_random.Next(_pool.Count)];
        int from = _random.Next(other.Length + 1);
        bytes.RemoveRange(at, bytes.Count - at);
        bytes.AddRange(other[from..]);
    }

    private static void Overwrite(List<byte> bytes, int at, byte[] piece)
    {
        for (int i = 0; i < piece.Length && at + i < bytes.Count; i++)
        {
            bytes[at + i] = piece[i];
        }
    }
}
