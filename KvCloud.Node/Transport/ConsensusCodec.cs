using System.Diagnostics;
using System.Text;
using KvCloud.Consensus;
using KvCloud.Node.Telemetry;

namespace KvCloud.Node.Transport;

/// <summary>
/// Encodes messages between replicas as frames, and decodes them. Written by hand: most messages are a few fixed
/// fields, and an Accept costs one copy of its payload to encode and one to decode, whatever the number of entries.
/// </summary>
/// <remarks>
/// Over 400 lines: the size, the writing and the reading of each message are compared in one place.
/// </remarks>
internal static class ConsensusCodec
{
    /// <summary>
    /// The newest version of all frames except the handshake's. A connection uses the newest one that both sides speak.
    /// Version 4 added the state of the data store and the feature level to reports, version 5 whose a forwarded write
    /// is.
    /// </summary>
    public const byte Version = 5;

    /// <summary>The oldest version that this release speaks too.</summary>
    public const byte OldestVersion = 3;

    /// <summary>
    /// Of the name of who wants a forwarded write. A user's has 261 at most; one that were longer would not be told.
    /// </summary>
    public const int MaxOriginBytes = 300;

    private const byte VersionOfReportedData = 4;
    private const byte VersionOfForwardOrigin = 5;

    private const int AddressBytes = 8;
    private const int BallotBytes = 12;
    private const int SlotBytes = 8;
    private const int CountBytes = 4;
    private const int EntryFixedBytes = SlotBytes + BallotBytes + BallotBytes + 1 + 4;
    private const int ReportBytes = 4 + 1 + BallotBytes + SlotBytes + SlotBytes + 8 + 8 + SlotBytes + 8;
    private const int MoreReportBytes = 1 + SlotBytes + 8 + 4;

    /// <summary>Size of this message's frame; long, because nothing here bounds the entries.</summary>
    public static long SizeOf(Message message, byte version = Version) => Frame.OverheadBytes + AddressBytes
        + message switch
        {
            PreVote => BallotBytes + SlotBytes,
            Prepare => BallotBytes + SlotBytes + BallotBytes,
            PreVoteReply => BallotBytes + 1 + BallotBytes,
            Promise promise => BallotBytes + SlotBytes + SlotBytes + EntriesBytes(promise.Entries),
            Accept accept => BallotBytes + SlotBytes + EntriesBytes(accept.Entries),
            Accepted accepted => BallotBytes + CountBytes + ((long)accepted.Slots.Count * SlotBytes),
            Refused => BallotBytes + BallotBytes,
            Heartbeat => BallotBytes + 8 + SlotBytes + SlotBytes + SlotBytes,
            HeartbeatReply => BallotBytes + 8 + SlotBytes + SlotBytes,
            ReadIndexRequest => 8,
            ReadIndexReply => 8 + 1 + SlotBytes,
            CatchUpRequest => SlotBytes,
            TimeoutNow => BallotBytes,
            CatchUpReply reply => SlotBytes + SlotBytes + EntriesBytes(reply.Entries),
            Forward forward => 8 + 4 + 1 + (IsTraced(forward) ? TraceParent.SizeBytes : 0)
                + (version >= VersionOfForwardOrigin ? 2 + OriginBytes(forward) : 0) + forward.Command.Length,
            ForwardReply reply => 8 + reply.Result.Length,
            SlotTrace => SlotBytes + BallotBytes + TraceParent.SizeBytes,
            SnapshotRequest => 8 + SlotBytes + 4 + 8 + 4,
            SnapshotReply reply => 1 + 8 + 4 + 8 + 8 + reply.Content.Length,
            _ => throw NotKnown(message),
        };

    public static int SizeOf(PeerReport report, byte version = Version)
    {
        ArgumentNullException.ThrowIfNull(report);
        return Frame.OverheadBytes + ReportBytes + (version >= VersionOfReportedData ? MoreReportBytes : 0);
    }

    /// <summary>Writes the message into a span of exactly <see cref="SizeOf(Message, byte)"/> bytes.</summary>
    public static void Encode(Message message, Span<byte> frame, byte version = Version)
    {
        var writer = new FrameWriter(Frame.Payload(frame));
        writer.Node(message.From);
        writer.Node(message.To);
        FrameType type = WriteFields(message, ref writer, version);
        Invariant.Check(writer.Position == frame.Length - Frame.OverheadBytes, "a frame has its computed size");
        Frame.Seal(frame, type, version);
    }

    public static void Encode(PeerReport report, Span<byte> frame, byte version = Version)
    {
        var writer = new FrameWriter(Frame.Payload(frame));
        writer.Node(report.From);
        writer.Byte((byte)report.Role);
        writer.Ballot(report.Ballot);
        writer.Slot(report.AppliedSlot);
        writer.Slot(report.ChosenSlot);
        writer.Int64(report.AppliedVersion);
        writer.Int64(report.UptimeSeconds);
        writer.Slot(report.HashedSlot);
        writer.UInt64(report.StateHash);
        if (version >= VersionOfReportedData)
        {
            writer.Byte((byte)report.Data);
            writer.Slot(report.StoredSlot);
            writer.UInt64(report.StoredHash);
            writer.Int32(report.FeatureLevel);
        }

        Invariant.Check(writer.Position == frame.Length - Frame.OverheadBytes, "a frame has its computed size");
        Frame.Seal(frame, FrameType.Report, version);
    }

    /// <summary>
    /// Decodes one whole frame of any type but <see cref="FrameType.Report"/>. The message's data is copied once from
    /// <paramref name="frame"/>, which may then be reused; all payloads of a message share that array.
    /// </summary>
    public static Message DecodeMessage(ReadOnlySpan<byte> frame)
    {
        Frame.Verify(frame);
        FrameType type = Frame.TypeOf(frame);
        ReadOnlySpan<byte> payload = Frame.Payload(frame);
        ReadOnlyMemory<byte> owned = default;
        if (type is FrameType.Promise or FrameType.Accept or FrameType.CatchUpReply
            or FrameType.Forward or FrameType.ForwardReply or FrameType.SnapshotReply)
        {
            owned = payload.ToArray();
            payload = owned.Span;
        }

        var reader = new FrameReader(payload);
        NodeId from = reader.Node("sender");
        NodeId to = reader.Node("receiver");
        Message message = ReadFields(type, from, to, owned, ref reader, Frame.VersionOf(frame));
        reader.End();
        return message;
    }

    public static PeerReport DecodeReport(ReadOnlySpan<byte> frame)
    {
        Frame.Verify(frame);
        var reader = new FrameReader(Frame.Payload(frame));
        NodeId from = reader.Node("sender");
        byte role = reader.Byte("role");
        if (role > (byte)Role.Leader)
        {
            throw new MalformedFrameException($"role {role} is not known");
        }

        bool saysMore = Frame.VersionOf(frame) >= VersionOfReportedData;
        var report = new PeerReport(
            from,
            (Role)role,
            reader.Ballot("ballot"),
            reader.Slot("applied slot"),
            reader.Slot("chosen slot"),
            reader.NotNegative("applied version"),
            reader.NotNegative("uptime"),
            reader.Slot("hashed slot"),
            reader.UInt64("state hash"))
        {
            Data = saysMore ? StateOf(reader.Byte("data state")) : DataState.Sound,
            StoredSlot = saysMore ? reader.Slot("stored slot") : Slot.Zero,
            StoredHash = saysMore ? reader.UInt64("stored hash") : 0,
            FeatureLevel = saysMore ? reader.Int32("feature level") : 0,
        };
        reader.End();
        return report;
    }

    private static DataState StateOf(byte state) => state <= (byte)DataState.Rebuilding
        ? (DataState)state
        : throw new MalformedFrameException($"data state {state} is not known");

    private static FrameType WriteFields(Message message, ref FrameWriter writer, byte version)
    {
        switch (message)
        {
            case PreVote vote:
                writer.Ballot(vote.Ballot);
                writer.Slot(vote.FirstUnchosen);
                return FrameType.PreVote;
            case PreVoteReply reply:
                writer.Ballot(reply.Ballot);
                writer.Bool(reply.Granted);
                writer.Ballot(reply.Promised);
                return FrameType.PreVoteReply;
            case Prepare prepare:
                writer.Ballot(prepare.Ballot);
                writer.Slot(prepare.FirstUnchosen);
                writer.Ballot(prepare.TransferOf);
                return FrameType.Prepare;
            case Promise promise:
                writer.Ballot(promise.Ballot);
                writer.Slot(promise.ChosenSlot);
                writer.Slot(promise.MembersSlot);
                WriteEntries(promise.Entries, ref writer);
                return FrameType.Promise;
            case Accept accept:
                writer.Ballot(accept.Ballot);
                writer.Slot(accept.ChosenSlot);
                WriteEntries(accept.Entries, ref writer);
                return FrameType.Accept;
            case Accepted accepted:
                writer.Ballot(accepted.Ballot);
                WriteSlots(accepted.Slots, ref writer);
                return FrameType.Accepted;
            case Refused refused:
                writer.Ballot(refused.Ballot);
                writer.Ballot(refused.Promised);
                return FrameType.Refused;
            default:
                return WriteMoreFields(message, ref writer, version);
        }
    }

    /// <summary>The messages of a leader's term: heartbeats, read index, catch-up, forwarded writes.</summary>
    private static FrameType WriteMoreFields(Message message, ref FrameWriter writer, byte version)
    {
        switch (message)
        {
            case Heartbeat heartbeat:
                writer.Ballot(heartbeat.Ballot);
                writer.Int64(heartbeat.Round);
                writer.Slot(heartbeat.ChosenSlot);
                writer.Slot(heartbeat.TrimSlot);
                writer.Slot(heartbeat.SettledSlot);
                return FrameType.Heartbeat;
            case HeartbeatReply reply:
                writer.Ballot(reply.Ballot);
                writer.Int64(reply.Round);
                writer.Slot(reply.ChosenSlot);
                writer.Slot(reply.DurableSlot);
                return FrameType.HeartbeatReply;
            case ReadIndexRequest request:
                writer.Int64(request.Id);
                return FrameType.ReadIndexRequest;
            case ReadIndexReply reply:
                writer.Int64(reply.Id);
                writer.Bool(reply.Confirmed);
                writer.Slot(reply.Slot);
                return FrameType.ReadIndexReply;
            case CatchUpRequest request:
                writer.Slot(request.FromSlot);
                return FrameType.CatchUpRequest;
            case TimeoutNow timeout:
                writer.Ballot(timeout.Ballot);
                return FrameType.TimeoutNow;
            case CatchUpReply reply:
                writer.Slot(reply.FirstAvailable);
                writer.Slot(reply.ChosenSlot);
                WriteEntries(reply.Entries, ref writer);
                return FrameType.CatchUpReply;
            case Forward forward:
                WriteForward(forward, ref writer, version);
                return FrameType.Forward;
            case ForwardReply reply:
                writer.Int64(reply.Id);
                writer.Bytes(reply.Result.Span);
                return FrameType.ForwardReply;
            case SlotTrace trace:
                writer.Slot(trace.Slot);
                writer.Ballot(trace.Origin);
                writer.Trace(trace.Context);
                return FrameType.SlotTrace;
            default:
                return WriteSnapshotFields(message, ref writer);
        }
    }

    private static void WriteForward(Forward forward, ref FrameWriter writer, byte version)
    {
        writer.Int64(forward.Id);
        writer.Int32(forward.TimeoutMs);
        writer.Bool(IsTraced(forward));
        if (IsTraced(forward))
        {
            writer.Trace(forward.Trace);
        }

        if (version >= VersionOfForwardOrigin)
        {
            int length = OriginBytes(forward);
            writer.UInt16((ushort)length);
            writer.Text(length > 0 ? forward.Origin : "", length);
        }

        writer.Bytes(forward.Command.Span);
    }

    private static FrameType WriteSnapshotFields(Message message, ref FrameWriter writer)
    {
        switch (message)
        {
            case SnapshotRequest request:
                writer.Int64(request.Id);
                writer.Slot(request.Above);
                writer.Int32(request.File);
                writer.Int64(request.Offset);
                writer.Int32(request.Count);
                return FrameType.SnapshotRequest;
            case SnapshotReply reply:
                writer.Byte((byte)reply.Answer);
                writer.Int64(reply.Id);
                writer.Int32(reply.File);
                writer.Int64(reply.Offset);
                writer.Int64(reply.Length);
                writer.Bytes(reply.Content.Span);
                return FrameType.SnapshotReply;
            default:
                throw NotKnown(message);
        }
    }

    private static Message ReadFields(
        FrameType type, NodeId from, NodeId to, ReadOnlyMemory<byte> owned, ref FrameReader reader, byte version) =>
        type switch
        {
            FrameType.PreVote => new PreVote(from, to, reader.Ballot("ballot"), reader.Slot("first unchosen slot")),
            FrameType.PreVoteReply => new PreVoteReply(
                from, to, reader.Ballot("ballot"), reader.Bool("granted"), reader.Ballot("promised ballot")),
            FrameType.Prepare => new Prepare(
                from,
                to,
                reader.Ballot("ballot"),
                reader.Slot("first unchosen slot"),
                reader.Ballot("ballot of the transfer")),
            FrameType.Promise => ReadPromise(from, to, owned, ref reader),
            FrameType.Accept => new Accept(
                from, to, reader.Ballot("ballot"), reader.Slot("chosen slot"), ReadEntries(owned, ref reader)),
            FrameType.Accepted => new Accepted(from, to, reader.Ballot("ballot"), ReadSlots(ref reader)),
            FrameType.Refused => new Refused(from, to, reader.Ballot("ballot"), reader.Ballot("promised ballot")),
            FrameType.Heartbeat => new Heartbeat(
                from,
                to,
                reader.Ballot("ballot"),
                reader.NotNegative("round"),
                reader.Slot("chosen slot"),
                reader.Slot("trim slot"),
                reader.Slot("settled slot")),
            FrameType.HeartbeatReply => new HeartbeatReply(
                from,
                to,
                reader.Ballot("ballot"),
                reader.NotNegative("round"),
                reader.Slot("chosen slot"),
                reader.Slot("durable slot")),
            FrameType.ReadIndexRequest => new ReadIndexRequest(from, to, reader.Int64("id")),
            FrameType.ReadIndexReply => new ReadIndexReply(
                from, to, reader.Int64("id"), reader.Bool("confirmed"), reader.Slot("slot")),
            FrameType.CatchUpRequest => new CatchUpRequest(from, to, reader.Slot("first slot")),
            FrameType.TimeoutNow => new TimeoutNow(from, to, reader.Ballot("ballot")),
            FrameType.CatchUpReply => new CatchUpReply(
                from,
                to,
                reader.Slot("first available slot"),
                reader.Slot("chosen slot"),
                ReadEntries(owned, ref reader)),
            FrameType.Forward => ReadForward(from, to, owned, ref reader, version),
            FrameType.ForwardReply => new ForwardReply(from, to, reader.Int64("id"), ReadRest(owned, ref reader)),
            FrameType.SlotTrace => new SlotTrace(
                from, to, reader.Slot("slot"), reader.Ballot("origin"), reader.Trace("trace context")),
            FrameType.SnapshotRequest => new SnapshotRequest(
                from,
                to,
                reader.NotNegative("snapshot"),
                reader.Slot("slot above"),
                FileOf(ref reader),
                reader.NotNegative("offset"),
                reader.Int32("count")),
            FrameType.SnapshotReply => ReadSnapshotReply(from, to, owned, ref reader),
            _ => throw new MalformedFrameException($"frame type {(byte)type} is not known"),
        };

    private static Promise ReadPromise(
        NodeId from, NodeId to, ReadOnlyMemory<byte> owned, ref FrameReader reader)
    {
        Ballot ballot = reader.Ballot("ballot");
        Slot chosen = reader.Slot("chosen slot");
        Slot members = reader.Slot("slot of the members");
        return new Promise(from, to, ballot, chosen, ReadEntries(owned, ref reader), members);
    }

    private static long EntriesBytes(IReadOnlyList<LogEntry> entries)
    {
        long bytes = CountBytes + ((long)entries.Count * EntryFixedBytes);
        for (int i = 0; i < entries.Count; i++)
        {
            bytes += entries[i].Value.Payload.Length;
        }

        return bytes;
    }

    private static void WriteEntries(IReadOnlyList<LogEntry> entries, ref FrameWriter writer)
    {
        writer.Int32(entries.Count);
        for (int i = 0; i < entries.Count; i++)
        {
            LogEntry entry = entries[i];
            writer.Slot(entry.Slot);
            writer.Ballot(entry.Accepted);
            writer.Ballot(entry.Value.Origin);
            writer.Byte((byte)entry.Value.Kind);
            writer.Int32(entry.Value.Payload.Length);
            writer.Bytes(entry.Value.Payload.Span);
        }
    }

    private static LogEntry[] ReadEntries(ReadOnlyMemory<byte> owned, ref FrameReader reader)
    {
        int count = reader.Count(EntryFixedBytes, "entries");
        var entries = new LogEntry[count];
        for (int i = 0; i < count; i++)
        {
            Slot slot = reader.Slot("slot of an entry");
            Ballot accepted = reader.Ballot("ballot of an entry");
            Ballot origin = reader.Ballot("origin of an entry");
            byte kind = reader.Byte("kind of an entry");
            if (kind > (byte)ValueKind.Membership)
            {
                throw new MalformedFrameException($"value kind {kind} is not known");
            }

            int length = reader.Int32("length of an entry");
            int start = reader.Position;
            reader.Take(length, "payload of an entry");
            entries[i] = new LogEntry(slot, accepted, new Value(origin, (ValueKind)kind, owned.Slice(start, length)));
        }

        return entries;
    }

    private static int OriginBytes(Forward forward) =>
        Encoding.UTF8.GetByteCount(forward.Origin) is var bytes && bytes <= MaxOriginBytes ? bytes : 0;

    private static bool IsTraced(Forward forward) => TraceParent.IsValid(forward.Trace);

    private static Forward ReadForward(
        NodeId from, NodeId to, ReadOnlyMemory<byte> owned, ref FrameReader reader, byte version)
    {
        long id = reader.Int64("id");
        int timeoutMs = reader.Int32("timeout");
        ActivityContext trace = reader.Bool("traced") ? reader.Trace("trace context") : default;
        string origin = version >= VersionOfForwardOrigin ? reader.Text(MaxOriginBytes, "origin") : "";
        return new Forward(from, to, id, timeoutMs, ReadRest(owned, ref reader), trace, origin);
    }

    private static int FileOf(ref FrameReader reader)
    {
        int file = reader.Int32("file");
        return file >= -1 ? file : throw new MalformedFrameException($"file {file} is neither a file nor the manifest");
    }

    private static SnapshotReply ReadSnapshotReply(
        NodeId from, NodeId to, ReadOnlyMemory<byte> owned, ref FrameReader reader)
    {
        byte answer = reader.Byte("answer");
        if (answer > (byte)SnapshotAnswer.Gone)
        {
            throw new MalformedFrameException($"answer {answer} to a snapshot request is not known");
        }

        return new SnapshotReply(
            from,
            to,
            (SnapshotAnswer)answer,
            reader.NotNegative("snapshot"),
            FileOf(ref reader),
            reader.NotNegative("offset"),
            reader.NotNegative("length"),
            ReadRest(owned, ref reader));
    }

    private static ReadOnlyMemory<byte> ReadRest(ReadOnlyMemory<byte> owned, ref FrameReader reader)
    {
        int start = reader.Position;
        reader.Take(reader.Remaining, "command");
        return owned[start..];
    }

    private static void WriteSlots(IReadOnlyList<Slot> slots, ref FrameWriter writer)
    {
        writer.Int32(slots.Count);
        for (int i = 0; i < slots.Count; i++)
        {
            writer.Slot(slots[i]);
        }
    }

    private static Slot[] ReadSlots(ref FrameReader reader)
    {
        int count = reader.Count(SlotBytes, "slots");
        var slots = new Slot[count];
        for (int i = 0; i < count; i++)
        {
            slots[i] = reader.Slot("slot");
        }

        return slots;
    }

    private static ArgumentException NotKnown(Message message) =>
        new($"No frame is defined for {message.GetType().Name}.", nameof(message));
}
