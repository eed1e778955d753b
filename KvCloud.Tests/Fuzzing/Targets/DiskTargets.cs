using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using KvCloud.Backup;
using KvCloud.Backup.Format;
using KvCloud.Backup.Leases;
using KvCloud.Consensus;
using KvCloud.Node.Files;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.State;
using KvCloud.Node.Storage;
using KvCloud.Node.Transport;
using KvCloud.Tests.Simulation;
using ArchivedLog = KvCloud.Backup.Format.LogSegment;
using SnapshotFile = KvCloud.Node.Replication.Snapshots.SnapshotFile;
using SnapshotManifest = KvCloud.Node.Replication.Snapshots.SnapshotManifest;

namespace KvCloud.Tests.Fuzzing.Targets;

/// <summary>What a replica and an archive of backups find on their disks.</summary>
internal static class DiskTargets
{
    private const string Path = "/data/file";
    private const long Sequence = 1;
    private const int SectorBytes = GroupFrame.SectorSizeBytes;

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("log-groups", [.. Groups()], ReadGroup) { Repair = Stamp },
        new("log-records", [.. Bodies()], ReadRecords),
        new("log-marks", [FileOf(disk => LogMark.Create(disk, Path).Dispose())], OpenMark) { Repair = SealMark },
        new("incarnations", [FileOf(MakeIncarnations)], OpenIncarnations) { Repair = SealEnd },
        new("identities", [Encoding.UTF8.GetBytes(Identity.Write())], ReadIdentity)
        {
            Repair = SealIdentity,
            Words = Words("format=", "cluster_id=", "node_id=", "stores=made", "formed=yes", "checksum=", "\n"),
        },
        new("snapshot-manifests", [Manifest().Encode()], ReadManifest) { Repair = SealEnd },
        new("command-batches", [.. Batches()], ReadBatch),
        new("store-records", [.. Records()], ReadRecord) { Repair = SealEnd },
        new("archive-json", [ArchiveManifest(), ArchiveMarkerJson()], ReadArchiveJson)
        {
            Repair = SealJson,
            Words = Words("{", "}", "[", "]", "\"format\":", "\"files\":", "null", "1e999", "-1", "\"\\u0000\""),
        },
        new("archive-log", [ArchiveSegment()], ReadArchiveSegment),
        new("archive-names", [Encoding.UTF8.GetBytes(SegmentName().ObjectName)], ReadArchiveName),
    ];

    private static DirectoryIdentity Identity => new("cluster", 1, 4711, "0,1,2", true, true);

    private static byte[][] Words(params string[] words) => [.. words.Select(Encoding.UTF8.GetBytes)];

    private static bool Accepts<TException>(Action read)
        where TException : Exception
    {
        try
        {
            read();
            return true;
        }
        catch (TException)
        {
            return false;
        }
    }

    private static IEnumerable<byte[]> Bodies()
    {
        var body = new GroupBody();
        body.AddPromise(new Ballot(3, new NodeId(1)));
        yield return body.Bytes.ToArray();
        body.AddChosen(new Slot(7));
        body.AddFirst(new Slot(1));
        body.AddOldestSegment(2);
        body.AddEntry(new LogEntry(
            new Slot(8), new Ballot(3, new NodeId(1)),
            new Value(new Ballot(3, new NodeId(1)), ValueKind.Commands, Batches().First())));
        yield return body.Bytes.ToArray();
        for (int i = 0; i < 30; i++)
        {
            body.AddEntry(new LogEntry(
                new Slot(9 + i), new Ballot(3, new NodeId(1)),
                new Value(new Ballot(3, new NodeId(1)), ValueKind.Commands, new byte[40])));
        }

        yield return body.Bytes.ToArray();
    }

    private static IEnumerable<byte[]> Groups()
    {
        foreach (byte[] body in Bodies())
        {
            byte[] group = new byte[GroupFrame.SizeOf(body.Length)];
            GroupFrame.Write(group, Sequence, body);
            yield return group;
        }
    }

    private static bool ReadGroup(byte[] input)
    {
        byte[] body = [];
        return GroupFrame.Read(input, Sequence, ref body, out int bytes) == GroupState.Whole
            && ReadRecords(body[..bytes]);
    }

    private static bool ReadRecords(byte[] input) => Accepts<LogCorruptException>(() =>
    {
        ReadOnlySpan<byte> rest = input;
        while (rest.Length > 0)
        {
            GroupRecord record = GroupBody.TakeRecord(ref rest);
            if (record.Kind == RecordKind.Entry)
            {
                LogRecord.Read(record.Slot, record.Entry);
            }
        }
    });

    /// <summary>
    /// The header's check, the checksum and the stamps of the sectors, for a body of the length that stands there.
    /// </summary>
    private static byte[] Stamp(byte[] input)
    {
        int sectors = input.Length / SectorBytes;
        if (sectors == 0)
        {
            return input;
        }

        int mostBytes = (sectors * (SectorBytes - 12)) - 16;
        int length = BinaryPrimitives.ReadInt32LittleEndian(input);
        byte[] body = new byte[length >= 0 && length <= mostBytes ? length : mostBytes];
        byte[] data = [.. Enumerable.Range(0, sectors)
            .SelectMany(sector => input.Skip(sector * SectorBytes).Take(SectorBytes - 12))];
        data.AsSpan(16, body.Length).CopyTo(body);
        byte[] group = new byte[GroupFrame.SizeOf(body.Length)];
        GroupFrame.Write(group, Sequence, body);
        if (length != body.Length)
        {
            // What no writer writes, and its check is right all the same: not keyed, whoever wants to can compute it.
            byte[] other = new byte[GroupFrame.SizeOf(0)];
            GroupFrame.WriteHeader(other, Sequence, length);
            other.AsSpan(0, 8).CopyTo(group);
        }

        return group;
    }

    private static byte[] FileOf(Action<SimDisk> make)
    {
        SimDisk disk = NewDisk();
        make(disk);
        return ((IFileSystem)disk).ReadAllBytes(Path);
    }

    private static SimDisk NewDisk()
    {
        var disk = new SimDisk(new DeterministicRandom(1));
        disk.CreateDirectory("/data");
        return disk;
    }

    private static SimDisk DiskWith(byte[] content)
    {
        SimDisk disk = NewDisk();
        using IFile file = disk.Open(Path, FileMode.Create, FileAccess.ReadWrite);
        file.Write(content, 0);
        return disk;
    }

    private static void MakeIncarnations(SimDisk disk)
    {
        var incarnations = IncarnationFile.Open(disk, Path, mayCreate: true);
        incarnations.TryAdmit(1, 2);
        incarnations.TryAdmit(3, 4);
    }

    private static bool OpenMark(byte[] input) =>
        Accepts<LogCorruptException>(() => LogMark.Open(DiskWith(input), Path).Dispose());

    private static bool OpenIncarnations(byte[] input) =>
        Accepts<InvalidDataException>(() => IncarnationFile.Open(DiskWith(input), Path, mayCreate: false));

    private static bool ReadIdentity(byte[] input) => Accepts<DataDirectoryCorruptException>(
        () => DirectoryIdentity.Read(Encoding.UTF8.GetString(input), Path));

    private static SnapshotManifest Manifest() => new(
        "cluster",
        new AppliedState(new Slot(5), new CommitVersion(6), 7),
        [new SnapshotFile("000001.sst", 100, 1), new SnapshotFile("MANIFEST-000002", 20, 2)]);

    private static bool ReadManifest(byte[] input) =>
        Accepts<InvalidDataException>(() => _ = SnapshotManifest.Decode(input).SizeBytes);

    private static IEnumerable<byte[]> Batches()
    {
        var writer = new CommandBatchWriter();
        writer.Add(CommandCodec.Encode(new SetCommand("users", new byte[] { 1, 2 }, new byte[30])));
        writer.Add(CommandCodec.Encode(new DeleteCommand(null, new byte[] { 3 })
        {
            Identity = new RequestIdentity(1, 2, 2),
        }));
        writer.Add(CommandCodec.Encode(new CommitCommand(
            new CommitVersion(9),
            [new Mutation(MutationKind.Set, null, new byte[] { 1 }, new byte[] { 2 })],
            [new ConflictKey(null, new byte[] { 5 })],
            [new ConflictRange("users", new byte[] { 7 }, new ReadOnlyMemory<byte>([8, 9]))])));
        yield return writer.Build(1_700_000_000_000, MvccRetention.Default);
    }

    private static bool ReadBatch(byte[] input)
    {
        bool isWhole = false;
        return Accepts<UnknownFormatException>(() =>
        {
            if (!CommandBatch.TryOpen(input, out CommandBatch batch, out _))
            {
                return;
            }

            CommandBatch.Enumerator commands = batch.GetEnumerator();
            while (commands.MoveNext())
            {
                isWhole |= CommandCodec.TryDecode(commands.Current, out _, out _);
            }
        }) && isWhole;
    }

    private static IEnumerable<byte[]> Records() =>
    [
        MembersRecord.Write(new Slot(3), [1, 2, 3]),
        new byte[StateRecord.MaxSizeBytes],
        [1, .. new byte[60]],
    ];

    /// <summary>Records of the store's tables: what RocksDB's checksums let through, and yet makes no sense.</summary>
    private static bool ReadRecord(byte[] input)
    {
        Action[] readers =
        [
            () => StateRecord.Read(input),
            () => MembersRecord.Read(input),
            () => RememberedAnswer.Decode(input),
            () => VersionedValue.Parse(input),
            () =>
            {
                ReadOnlySpan<byte> rest = GarbageRecord.Open(input);
                while (rest.Length > 0)
                {
                    GarbageRecord.ReadItem(ref rest);
                }
            },
        ];
        bool isAccepted = false;
        foreach (Action read in readers)
        {
            try
            {
                read();
                isAccepted = true;
            }
            catch (Exception exception) when (exception is StoreCorruptException or UnknownFormatException)
            {
                // The two that a record of the store may have.
            }
        }

        return isAccepted;
    }

    private static byte[] ArchiveManifest() => ChecksummedJson.Write(
        new KvCloud.Backup.Format.SnapshotManifest(
            1, "cluster", 1, 5, 6, 7, DateTimeOffset.UnixEpoch,
            [new ArchivedFile("000001.sst", 10, new string('a', 32))]),
        out _);

    private static byte[] ArchiveMarkerJson() =>
        ChecksummedJson.Write(new ArchiveMarker(1, "cluster", DateTimeOffset.UnixEpoch), out _);

    private static bool ReadArchiveJson(byte[] input)
    {
        bool[] accepted =
        [
            Accepts<ArchiveException>(() =>
                _ = KvCloud.Backup.Format.SnapshotManifest.Decode(input, "snapshots/x", "cluster").SizeBytes),
            Accepts<ArchiveException>(() => ChecksummedJson.Read<ArchiveMarker>(input, "marker")),
            Accepts<ArchiveException>(() => ChecksummedJson.Read<LeaseBody>(input, "lease")),
        ];
        return accepted.Contains(true);
    }

    private static byte[] ArchiveSegment() => ArchivedLog.Encode([Block(1, 3), Block(4, 4)], out _);

    private static LogSegmentName SegmentName()
    {
        ArchivedLog.Encode([Block(1, 3), Block(4, 4)], out LogSegmentName name);
        return name;
    }

    private static LogBlock Block(long first, long last) => new(first, last, 10, 20, 5, 6, new byte[20]);

    private static bool ReadArchiveSegment(byte[] input) => Accepts<ArchiveException>(() =>
        ArchivedLog.Decode(input, SegmentName() with { Hash = ContentHash.Of(input), SizeBytes = input.Length }));

    private static bool ReadArchiveName(byte[] input) =>
        LogSegmentName.TryParse(Encoding.UTF8.GetString(input), input.Length) is not null;

    /// <summary>XxHash3 of everything before the last eight bytes.</summary>
    private static byte[] SealEnd(byte[] input)
    {
        if (input.Length > sizeof(ulong))
        {
            Span<byte> body = input.AsSpan(0, input.Length - sizeof(ulong));
            BinaryPrimitives.WriteUInt64LittleEndian(input.AsSpan(body.Length), XxHash3.HashToUInt64(body));
        }

        return input;
    }

    private static byte[] SealMark(byte[] input)
    {
        const int checksumPlace = 40;
        if (input.Length >= checksumPlace + sizeof(ulong))
        {
            BinaryPrimitives.WriteUInt64LittleEndian(
                input.AsSpan(checksumPlace), XxHash3.HashToUInt64(input.AsSpan(0, checksumPlace)));
        }

        return input;
    }

    private static byte[] SealIdentity(byte[] input)
    {
        string text = Encoding.UTF8.GetString(input);
        int end = text.LastIndexOf("checksum=", StringComparison.Ordinal);
        if (end < 0)
        {
            return input;
        }

        string body = text[..end];
        return Encoding.UTF8.GetBytes(
            $"{body}checksum={XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(body)):x16}\n");
    }

    private static byte[] SealJson(byte[] input)
    {
        string text = Encoding.UTF8.GetString(input);
        int begin = text.IndexOf("\"body\":", StringComparison.Ordinal) + "\"body\":".Length;
        int end = text.LastIndexOf('}');
        if (begin < 8 || end <= begin)
        {
            return input;
        }

        string body = text[begin..end];
        string checksum = ContentHash.Of(Encoding.UTF8.GetBytes(body));
        return Encoding.UTF8.GetBytes($"{{\"checksum\":\"{checksum}\",\"body\":{body}}}\n");
    }
}
