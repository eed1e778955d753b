using KvCloud.Client.Wire;
using KvCloud.Protocol;
using KvCloud.Protocol.Wire;

namespace KvCloud.Client.Calls;

/// <summary>How a read is to be served; missing parts mean the server's configuration.</summary>
internal readonly record struct ReadFields(ReadConsistency Consistency, int? MaxStalenessMs)
{
    public void WriteTo(FrameWriter writer, int timeoutMs)
    {
        writer.I32(100, (int)Consistency);
        if (MaxStalenessMs is { } staleness)
        {
            writer.I32(101, staleness);
        }

        writer.I32(102, timeoutMs);
    }
}

internal readonly struct GetCall(ReadOnlyMemory<byte> key, string? columnFamily, ReadFields read) : IRequest
{
    public static KvMethod Method => KvMethod.Get;

    public void Write(FrameWriter writer, in AttemptFields attempt)
    {
        writer.Binary(1, key.Span);
        writer.OptionalText(2, columnFamily);
        read.WriteTo(writer, attempt.TimeoutMs);
    }
}

internal readonly struct SnapshotGetCall(ReadOnlyMemory<byte> key, string? columnFamily, long version) : IRequest
{
    public static KvMethod Method => KvMethod.SnapshotGet;

    public void Write(FrameWriter writer, in AttemptFields attempt)
    {
        writer.Binary(1, key.Span);
        writer.I64(2, version);
        writer.OptionalText(3, columnFamily);
        writer.I32(102, attempt.TimeoutMs);
    }
}

internal readonly struct SetCall(ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value, string? columnFamily) : IRequest
{
    public static KvMethod Method => KvMethod.Set;

    public void Write(FrameWriter writer, in AttemptFields attempt)
    {
        writer.Binary(1, key.Span);
        writer.Binary(2, value.Span);
        writer.OptionalText(3, columnFamily);
        attempt.WriteTo(writer);
    }
}

internal readonly struct DeleteCall(ReadOnlyMemory<byte> key, string? columnFamily) : IRequest
{
    public static KvMethod Method => KvMethod.Delete;

    public void Write(FrameWriter writer, in AttemptFields attempt)
    {
        writer.Binary(1, key.Span);
        writer.OptionalText(2, columnFamily);
        attempt.WriteTo(writer);
    }
}

internal readonly struct VersionstampedKeyCall(
    ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value, string? columnFamily) : IRequest
{
    public static KvMethod Method => KvMethod.SetVersionstampedKey;

    public void Write(FrameWriter writer, in AttemptFields attempt)
    {
        writer.Binary(1, key.Span);
        writer.Binary(2, value.Span);
        writer.OptionalText(3, columnFamily);
        attempt.WriteTo(writer);
    }
}

internal readonly struct VersionstampedValueCall(
    ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value, string? columnFamily) : IRequest
{
    public static KvMethod Method => KvMethod.SetVersionstampedValue;

    public void Write(FrameWriter writer, in AttemptFields attempt)
    {
        writer.Binary(1, key.Span);
        writer.Binary(2, value.Span);
        writer.OptionalText(3, columnFamily);
        attempt.WriteTo(writer);
    }
}

/// <summary>
/// One page of a range; <see cref="BeginInclusive"/> is false when it continues after the previous page.
/// </summary>
internal readonly record struct PageBounds(
    ReadOnlyMemory<byte> Begin, bool BeginInclusive, ReadOnlyMemory<byte>? End, int Limit, int LimitBytes)
{
    public void WriteTo(FrameWriter writer, short limitId)
    {
        writer.Binary(1, Begin.Span);
        if (End is { } end)
        {
            writer.Binary(2, end.Span);
        }
        else
        {
            writer.Bool(104, true);
        }

        writer.Bool(4, BeginInclusive);
        writer.I32(limitId, Limit);
        writer.I32(103, LimitBytes);
    }
}

internal readonly struct RangeCall(PageBounds page, string? columnFamily, ReadFields read) : IRequest
{
    public static KvMethod Method => KvMethod.GetRange;

    public void Write(FrameWriter writer, in AttemptFields attempt)
    {
        page.WriteTo(writer, limitId: 7);
        writer.OptionalText(8, columnFamily);
        read.WriteTo(writer, attempt.TimeoutMs);
    }
}

internal readonly struct SnapshotRangeCall(PageBounds page, string? columnFamily, long version) : IRequest
{
    public static KvMethod Method => KvMethod.SnapshotGetRange;

    public void Write(FrameWriter writer, in AttemptFields attempt)
    {
        page.WriteTo(writer, limitId: 8);
        writer.I64(7, version);
        writer.OptionalText(9, columnFamily);
        writer.I32(102, attempt.TimeoutMs);
    }
}

internal readonly struct ReadVersionCall : IRequest
{
    public static KvMethod Method => KvMethod.GetReadVersion;

    public void Write(FrameWriter writer, in AttemptFields attempt)
    {
        // The request has no fields.
    }
}

internal readonly struct OpenSessionCall : IRequest
{
    public static KvMethod Method => KvMethod.OpenSession;

    public void Write(FrameWriter writer, in AttemptFields attempt) => writer.I32(100, attempt.TimeoutMs);
}

internal readonly struct CreateColumnFamilyCall(string name, string? authToken) : IRequest
{
    public static KvMethod Method => KvMethod.CreateColumnFamily;

    public void Write(FrameWriter writer, in AttemptFields attempt)
    {
        writer.Text(1, name);
        writer.OptionalText(2, authToken);
        writer.I32(103, attempt.TimeoutMs);
    }
}

internal readonly struct DropColumnFamilyCall(string name, string? authToken) : IRequest
{
    public static KvMethod Method => KvMethod.DropColumnFamily;

    public void Write(FrameWriter writer, in AttemptFields attempt)
    {
        writer.Text(1, name);
        writer.OptionalText(2, authToken);
        writer.I32(103, attempt.TimeoutMs);
    }
}

internal readonly struct ChangeMembersCall(KvMemberChange change, string? authToken) : IRequest
{
    public static KvMethod Method => KvMethod.ChangeMembers;

    public void Write(FrameWriter writer, in AttemptFields attempt)
    {
        writer.I32(1, (int)change.Kind);
        if (change.NodeId is int node)
        {
            writer.I32(2, node);
        }

        if (change.ReplacedNodeId is int replaced)
        {
            writer.I32(3, replaced);
        }

        writer.OptionalText(4, change.PeerEndpoint);
        writer.OptionalText(5, change.ClientEndpoint);
        if (change.Force)
        {
            writer.Bool(6, true);
        }

        writer.OptionalText(7, authToken);
        writer.I32(100, attempt.TimeoutMs);
    }
}

internal readonly struct OpenSnapshotCall(long readerId, long? aboveSlot, string? authToken) : IRequest
{
    public static KvMethod Method => KvMethod.OpenSnapshot;

    public void Write(FrameWriter writer, in AttemptFields attempt)
    {
        writer.I64(1, readerId);
        if (aboveSlot is { } slot)
        {
            writer.I64(2, slot);
        }

        writer.OptionalText(3, authToken);
    }
}

internal readonly struct ReadSnapshotCall(
    long readerId, long snapshotId, int file, long offset, int count, string? authToken) : IRequest
{
    public static KvMethod Method => KvMethod.ReadSnapshot;

    public void Write(FrameWriter writer, in AttemptFields attempt)
    {
        writer.I64(1, readerId);
        writer.I64(2, snapshotId);
        writer.I32(3, file);
        writer.I64(4, offset);
        writer.I32(5, count);
        writer.OptionalText(6, authToken);
    }
}

internal readonly struct ReadLogCall(
    long readerId, long fromSlot, int maxBytes, int waitMs, string? authToken) : IRequest
{
    public static KvMethod Method => KvMethod.ReadLog;

    public void Write(FrameWriter writer, in AttemptFields attempt)
    {
        writer.I64(1, readerId);
        writer.I64(2, fromSlot);
        writer.I32(3, maxBytes);
        writer.I32(4, waitMs);
        writer.OptionalText(5, authToken);
    }
}

internal readonly struct ListColumnFamiliesCall(ReadConsistency consistency) : IRequest
{
    public static KvMethod Method => KvMethod.ListColumnFamilies;

    public void Write(FrameWriter writer, in AttemptFields attempt) => writer.I32(100, (int)consistency);
}

internal readonly struct PingCall(ReadOnlyMemory<byte> message, long timestamp) : IRequest
{
    public static KvMethod Method => KvMethod.Ping;

    public void Write(FrameWriter writer, in AttemptFields attempt)
    {
        writer.Binary(1, message.Span);
        writer.I64(2, timestamp);
    }
}

internal readonly struct HealthCall(string? authToken) : IRequest
{
    public static KvMethod Method => KvMethod.GetClusterHealth;

    public void Write(FrameWriter writer, in AttemptFields attempt) => writer.OptionalText(1, authToken);
}

internal readonly struct StatsCall(string? authToken, bool detailed) : IRequest
{
    public static KvMethod Method => KvMethod.GetDatabaseStats;

    public void Write(FrameWriter writer, in AttemptFields attempt)
    {
        writer.OptionalText(1, authToken);
        writer.Bool(2, detailed);
    }
}

internal readonly struct FaultCall(string fault, double probability, int durationMs, string? operation) : IRequest
{
    public static KvMethod Method => KvMethod.SetFaultInjection;

    public void Write(FrameWriter writer, in AttemptFields attempt)
    {
        writer.Text(1, fault);
        writer.Double(2, probability);
        writer.I32(3, durationMs);
        writer.OptionalText(4, operation);
    }
}
