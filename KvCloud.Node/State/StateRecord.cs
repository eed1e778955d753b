using System.Buffers.Binary;
using System.IO.Hashing;
using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Storage;

namespace KvCloud.Node.State;

/// <summary>
/// The state machine's state other than keys and sessions, in one record that is part of every batch.
/// </summary>
/// <param name="LoggedUnixMs">See <see cref="RetentionWindow.LoggedUnixMs"/>.</param>
/// <param name="WindowClockMs">See <see cref="RetentionWindow.ClockMs"/>. In format 1 this is the logged time.</param>
/// <param name="WindowOwedMs">See <see cref="RetentionWindow.OwedMs"/>. Format 1 does not have it.</param>
/// <param name="FeatureLevel">
/// See <see cref="FeatureLevels"/>. Only format 3 has it, which is written above the first level only: a group at the
/// first level stays readable for the release before, and one above it is refused by that release.
/// </param>
/// <param name="Uses">Total uses of all sessions, which determines the order in which sessions are forgotten.</param>
internal readonly record struct StateRecord(
    Slot AppliedSlot,
    CommitVersion AppliedVersion,
    ulong StateHash,
    CommitVersion OldestReadable,
    long LoggedUnixMs,
    long WindowClockMs,
    long WindowOwedMs,
    uint NextKeyspaceId,
    long Uses,
    int FeatureLevel = FeatureLevels.First)
{
    /// <summary>The largest size of a record.</summary>
    public const int MaxSizeBytes = SizeBytesWithoutLevel + sizeof(int);

    private const byte FormatVersion = 3;
    private const byte FormatWithoutLevel = 2;
    private const byte FormatWithoutClock = 1;
    private const int SizeBytesWithoutLevel = SizeBytesWithoutClock + (2 * sizeof(long));
    private const int SizeBytesWithoutClock = 1 + (6 * sizeof(long)) + sizeof(uint) + sizeof(ulong);

    /// <summary>Key of the record in the meta table.</summary>
    public static ReadOnlySpan<byte> Key => "applied"u8;

    /// <summary>Writes the record at the beginning of a span of <see cref="MaxSizeBytes"/>.</summary>
    public ReadOnlySpan<byte> Write(Span<byte> destination)
    {
        bool hasLevel = FeatureLevel > FeatureLevels.First;
        destination[0] = hasLevel ? FormatVersion : FormatWithoutLevel;
        BinaryPrimitives.WriteInt64LittleEndian(destination[1..], AppliedSlot.Value);
        BinaryPrimitives.WriteInt64LittleEndian(destination[9..], AppliedVersion.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[17..], StateHash);
        BinaryPrimitives.WriteInt64LittleEndian(destination[25..], OldestReadable.Value);
        BinaryPrimitives.WriteInt64LittleEndian(destination[33..], LoggedUnixMs);
        BinaryPrimitives.WriteInt64LittleEndian(destination[41..], Uses);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[49..], NextKeyspaceId);
        BinaryPrimitives.WriteInt64LittleEndian(destination[53..], WindowClockMs);
        BinaryPrimitives.WriteInt64LittleEndian(destination[61..], WindowOwedMs);
        int body = SizeBytesWithoutLevel - sizeof(ulong);
        if (hasLevel)
        {
            BinaryPrimitives.WriteInt32LittleEndian(destination[body..], FeatureLevel);
            body += sizeof(int);
        }

        BinaryPrimitives.WriteUInt64LittleEndian(destination[body..], XxHash3.HashToUInt64(destination[..body]));
        return destination[..(body + sizeof(ulong))];
    }

    public static StateRecord Read(ReadOnlySpan<byte> record)
    {
        int end = record.Length - sizeof(ulong);
        bool isWhole = end > 0
            && BinaryPrimitives.ReadUInt64LittleEndian(record[end..]) == XxHash3.HashToUInt64(record[..end]);
        if (isWhole)
        {
            UnknownFormatException.ThrowIfNewer("state record", record, FormatVersion);
        }

        bool hasClock = record.Length > 0 && record[0] >= FormatWithoutLevel;
        bool hasLevel = record.Length > 0 && record[0] == FormatVersion;
        int size = hasLevel ? MaxSizeBytes : hasClock ? SizeBytesWithoutLevel : SizeBytesWithoutClock;
        if (!isWhole || record.Length != size || record[0] is < FormatWithoutClock or > FormatVersion)
        {
            throw new StoreCorruptException("The record of the applied slot fails its checksum.");
        }

        return new StateRecord(
            new Slot(BinaryPrimitives.ReadInt64LittleEndian(record[1..])),
            new CommitVersion(BinaryPrimitives.ReadInt64LittleEndian(record[9..])),
            BinaryPrimitives.ReadUInt64LittleEndian(record[17..]),
            new CommitVersion(BinaryPrimitives.ReadInt64LittleEndian(record[25..])),
            BinaryPrimitives.ReadInt64LittleEndian(record[33..]),
            BinaryPrimitives.ReadInt64LittleEndian(record[(hasClock ? 53 : 33)..]),
            hasClock ? BinaryPrimitives.ReadInt64LittleEndian(record[61..]) : 0,
            BinaryPrimitives.ReadUInt32LittleEndian(record[49..]),
            BinaryPrimitives.ReadInt64LittleEndian(record[41..]),
            hasLevel ? BinaryPrimitives.ReadInt32LittleEndian(record[69..]) : FeatureLevels.First);
    }
}
