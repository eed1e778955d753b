using System.Buffers.Binary;
using System.Numerics;

namespace KvCloud.Node.Storage;

/// <summary>CRC-32C (Castagnoli), piece by piece, as RocksDB notes it for each of its files.</summary>
internal struct Crc32C
{
    private uint _inverted;

    /// <summary>Of all pieces so far.</summary>
    public readonly uint Value => _inverted;

    public void Append(ReadOnlySpan<byte> piece)
    {
        uint state = ~_inverted;
        while (piece.Length >= sizeof(ulong))
        {
            state = BitOperations.Crc32C(state, BinaryPrimitives.ReadUInt64LittleEndian(piece));
            piece = piece[sizeof(ulong)..];
        }

        foreach (byte last in piece)
        {
            state = BitOperations.Crc32C(state, last);
        }

        _inverted = ~state;
    }
}
