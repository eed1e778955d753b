using System.Buffers.Binary;
using System.IO.Hashing;
using KvCloud.Node.Storage;

namespace KvCloud.Node.State;

/// <summary>
/// All rows of all column families as they are stored at one slot, to be hashed in pieces while apply goes on: what a
/// reader at that slot's version would see. Two replicas that store the same have the same hash.
/// </summary>
/// <remarks>
/// Tombstones do not count, nor does what is left of dropped column families: each replica collects those when it has
/// time. One thread.
/// </remarks>
internal sealed class StoredRows(AppliedState at, KeyspaceCatalog keyspaces, IKvIterator rows) : IDisposable
{
    private const int CheckEvery = 16;

    private readonly XxHash3 _hash = new();
    private bool _hasBegun;

    /// <summary>Which state it is.</summary>
    public AppliedState At => at;

    /// <summary>Of all rows, once <see cref="Advance"/> has come to the end.</summary>
    public ulong Hash => _hash.GetCurrentHashAsUInt64();

    public long Rows { get; private set; }

    /// <summary>Reads about so many bytes more.</summary>
    /// <returns>False at the end.</returns>
    /// <exception cref="StoreCorruptException">The store is damaged.</exception>
    public bool Advance(int maxBytes)
    {
        if (!_hasBegun)
        {
            _hasBegun = true;
            rows.Seek(KeyBounds.StartOf(0));
        }

        long bytes = 0;
        while (rows.IsValid && bytes < maxBytes)
        {
            bytes += CheckEvery + rows.Key.Length + Take();
            rows.MoveNext();
        }

        return rows.IsValid;
    }

    public void Dispose() => rows.Dispose();

    /// <returns>The length of the record.</returns>
    private int Take()
    {
        ReadOnlySpan<byte> key = rows.Key;
        ReadOnlySpan<byte> record = rows.Value;
        if (keyspaces.Contains(MvccKey.KeyspaceOf(key)) && !VersionedValue.Parse(record).IsTombstone)
        {
            Span<byte> lengths = stackalloc byte[2 * sizeof(int)];
            BinaryPrimitives.WriteInt32LittleEndian(lengths, key.Length);
            BinaryPrimitives.WriteInt32LittleEndian(lengths[sizeof(int)..], record.Length);
            _hash.Append(lengths);
            _hash.Append(key);
            _hash.Append(record);
            Rows++;
        }

        return record.Length;
    }
}
