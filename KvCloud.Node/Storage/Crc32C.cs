using System.Buffers.Binary;
using System.Numerics;

namespace KvCloud.Node.Storage;

/// <summary>Incremental CRC-32C (Castagnoli), as RocksDB records it for each of its files.</summary>
internal struct Crc32C
{
    private uint _inverted;

    /// <summary>The checksum of everything appended so far.</summary>
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
