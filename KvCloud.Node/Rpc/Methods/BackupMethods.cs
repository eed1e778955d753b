using System.Buffers.Binary;
using KvCloud.Consensus;
using KvCloud.Node.Access;
using KvCloud.Node.Replication.Backup;
using KvCloud.Node.Replication.Snapshots;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>What a backup is made of: a snapshot of this replica, and the log that follows it.</summary>
internal static class BackupMethods
{
    public const int MaxWaitMs = 30_000;

    public static IEnumerable<RpcMethod> All(KvBackend backend) =>
    [
        new OpenSnapshot(backend),
        new ReadSnapshot(backend),
        new ReadLog(backend),
    ];

    private static Refusal TooMany { get; } = new(
        ErrorCode.OVERLOADED, $"{LogPins.MaxBackups} backups are being made of this node already");

    private sealed class OpenSnapshot(KvBackend backend)
        : BackupMethod<OpenSnapshotRequest, OpenSnapshotResponse>("openSnapshot", backend)
    {
        /// <summary>Some thousand files.</summary>
        private const int AnswerBytes = 256 * 1024;

        private long _lastReader;

        /// <summary>Who asks again and again while the snapshot is made is noted once.</summary>
        protected override void Note(Principal principal, Caller? caller, OpenSnapshotRequest request)
        {
            if (Interlocked.Exchange(ref _lastReader, request.ReaderId) != request.ReaderId)
            {
                Backend.Access.Audit.BackupOpened(principal, caller?.Remote ?? "", request.ReaderId);
            }
        }

        protected override Refusal? FindMistake(OpenSnapshotRequest request) => null;

        protected override int MaxBytesOf(OpenSnapshotRequest request) => AnswerBytes;

        protected override OpenSnapshotResponse Answer(BackupReads reads, OpenSnapshotRequest request)
        {
            Slot above = request.__isset.above_slot ? new Slot(request.AboveSlot) : new Slot(-1);
            BackupOutcome outcome = reads.OpenSnapshot(
                request.ReaderId, above, out ServedSnapshot? snapshot, out string? error);
            return outcome switch
            {
                BackupOutcome.Ready => Describe(reads, snapshot!),
                BackupOutcome.NotYet => new OpenSnapshotResponse(true) { State = SnapshotState.PREPARING },
                BackupOutcome.TooMany => Refused(TooMany),
                _ => Refused(new Refusal(ErrorCode.INTERNAL, $"no snapshot can be made at the moment: {error}")),
            };
        }

        private static OpenSnapshotResponse Describe(BackupReads reads, ServedSnapshot snapshot) => new(true)
        {
            State = SnapshotState.READY,
            SnapshotId = snapshot.Id,
            ClusterId = reads.ClusterId,
            NodeId = reads.Self.Value,
            Slot = snapshot.Manifest.State.Slot.Value,
            Version = snapshot.Manifest.State.Version.Value,
            UnixMs = snapshot.UnixMs,
            Files = [.. snapshot.Manifest.Files.Select(file =>
                new Protocol.SnapshotFile(file.Name, file.SizeBytes, BytesOf(file.Hash)))],
        };

        private static byte[] BytesOf(UInt128 hash)
        {
            byte[] bytes = new byte[16];
            BinaryPrimitives.WriteUInt128BigEndian(bytes, hash);
            return bytes;
        }
    }

    private sealed class ReadSnapshot(KvBackend backend)
        : BackupMethod<ReadSnapshotRequest, ReadSnapshotResponse>("readSnapshot", backend)
    {
        protected override Refusal? FindMistake(ReadSnapshotRequest request) =>
            request.Count is < 1 or > BackupReads.MaxPieceBytes
                ? Refusal.InvalidArgument($"count must lie between 1 and {BackupReads.MaxPieceBytes}")
            : request.Offset < 0 ? Refusal.InvalidArgument("offset is negative")
            : request.File < 0 ? Refusal.InvalidArgument("file is negative")
            : null;

        protected override int MaxBytesOf(ReadSnapshotRequest request) => request.Count;

        protected override int RateBytesOf(ReadSnapshotRequest request) => request.Count;

        protected override ReadSnapshotResponse Answer(BackupReads reads, ReadSnapshotRequest request)
        {
            BackupOutcome outcome = reads.ReadSnapshot(
                request.ReaderId, request.SnapshotId, request.File, request.Offset, request.Count,
                out byte[] content);
            return outcome switch
            {
                BackupOutcome.Ready => new ReadSnapshotResponse(true) { Content = content },
                BackupOutcome.TooMany => Refused(TooMany),
                _ => Refused(new Refusal(ErrorCode.SNAPSHOT_GONE, "this node does not have that snapshot any more")),
            };
        }
    }

    private sealed class ReadLog(KvBackend backend)
        : BackupMethod<ReadLogRequest, ReadLogResponse>("readLog", backend)
    {
        protected override Refusal? FindMistake(ReadLogRequest request) =>
            request.FromSlot < 1 ? Refusal.InvalidArgument("from_slot must be 1 or more")
            : request.__isset.max_bytes && request.MaxBytes < 1 ? Refusal.InvalidArgument("max_bytes must be positive")
            : request.__isset.wait_ms && request.WaitMs is < 0 or > MaxWaitMs
                ? Refusal.InvalidArgument($"wait_ms must lie between 0 and {MaxWaitMs}")
            : null;

        protected override int MaxBytesOf(ReadLogRequest request) =>
            request.__isset.max_bytes ? Math.Min(request.MaxBytes, BackupReads.MaxLogBytes) : BackupReads.MaxLogBytes;

        protected override int WaitMsOf(ReadLogRequest request) => request.__isset.wait_ms ? request.WaitMs : 0;

        protected override bool HasAnswer(BackupReads reads, ReadLogRequest request) =>
            reads.HasAnswer(new Slot(request.FromSlot));

        protected override ReadLogResponse Answer(BackupReads reads, ReadLogRequest request)
        {
            LogRead read = reads.ReadLog(request.ReaderId, new Slot(request.FromSlot), MaxBytesOf(request));
            return read.Outcome switch
            {
                BackupOutcome.Ready or BackupOutcome.NotYet => Describe(reads, read),
                BackupOutcome.TooMany => Refused(TooMany),
                BackupOutcome.Trimmed => Trimmed(request, read),
                _ => Refused(new Refusal(
                    ErrorCode.OVERLOADED, $"the log cannot be read at the moment: {read.Error}")),
            };
        }

        private ReadLogResponse Trimmed(ReadLogRequest request, LogRead read)
        {
            ReadLogResponse answer = Refused(new Refusal(
                ErrorCode.LOG_TRIMMED,
                $"the log of this node begins at slot {read.FirstAvailable}, not at {request.FromSlot} any more"));
            answer.FirstAvailableSlot = read.FirstAvailable.Value;
            return answer;
        }

        private static ReadLogResponse Describe(BackupReads reads, LogRead read)
        {
            var answer = new ReadLogResponse(true)
            {
                AppliedVersion = read.Applied.Version.Value,
                AppliedSlot = read.Applied.Slot.Value,
                FirstAvailableSlot = read.FirstAvailable.Value,
                ClusterId = reads.ClusterId,
                NodeId = reads.Self.Value,
            };
            if (read.Block is not { } block)
            {
                return answer;
            }

            answer.Content = block.Encode();
            answer.FirstSlot = block.First.Value;
            answer.LastSlot = block.Last.Value;
            if (block.FirstUnixMs is { } first && block.LastUnixMs is { } last)
            {
                answer.FirstUnixMs = first;
                answer.LastUnixMs = last;
            }

            return answer;
        }
    }
}
