using System.Diagnostics.CodeAnalysis;
using BenchmarkDotNet.Attributes;
using FASTER.core;
using KvCloud.Consensus;
using KvCloud.Node.Files;
using KvCloud.Node.Replication.Log;
using RocksDbSharp;

namespace KvCloud.Bench.Micro;

/// <summary>
/// A durable write of a group of slots of 100 bytes each: by a replica's Paxos log, by RocksDB's write-ahead log, and
/// by FASTER's FasterLog. All three sync before they return.
/// </summary>
[MemoryDiagnoser]
[SuppressMessage("Design", "CA1001", Justification = "BenchmarkDotNet calls CleanUp, and derives from this class.")]
public class LogBenchmarks
{
    private const int PayloadBytes = 100;

    /// <summary>How often a replica would trim its log: about every tenth segment.</summary>
    private const int TrimEverySlots = 512 * 1024;

    private readonly byte[] _payload = new byte[PayloadBytes];
    private readonly Ballot _ballot = new(1, new NodeId(0));
    private DirectoryInfo _directory = null!;
    private SegmentedPaxosLog _segments = null!;
    private RocksDb _rocks = null!;
    private WriteOptions _synced = null!;
    private IDevice _device = null!;
    private FasterLog _faster = null!;
    private long _slot;

    /// <summary>Number of slots per write (group commit).</summary>
    [Params(1, 64)]
    public int SlotsInGroup { get; set; }

    /// <summary>Opens all three in a directory of the machine's temporary files (TMPDIR).</summary>
    [GlobalSetup]
    public void SetUp()
    {
        Random.Shared.NextBytes(_payload);
        _directory = Directory.CreateTempSubdirectory("kvcloud-log-");
        _segments = SegmentedPaxosLog.Open(SystemFiles.Instance, Path.Combine(_directory.FullName, "segments"));
        _rocks = RocksDb.Open(
            new DbOptions().SetCreateIfMissing(), Path.Combine(_directory.FullName, "rocks"));
        _synced = new WriteOptions().SetSync(true);
        _device = Devices.CreateLogDevice(Path.Combine(_directory.FullName, "faster", "log"));
        _faster = new FasterLog(new FasterLogSettings { LogDevice = _device });
    }

    /// <summary>Closes all three and removes their files.</summary>
    [GlobalCleanup]
    public void CleanUp()
    {
        _segments.Dispose();
        _rocks.Dispose();
        _faster.Dispose();
        _device.Dispose();
        _directory.Delete(recursive: true);
    }

    /// <summary>The log of a replica, with one group.</summary>
    [Benchmark(Baseline = true)]
    public void Segments()
    {
        var effects = new Effects();
        for (int i = 0; i < SlotsInGroup; i++)
        {
            effects.Append.Add(
                new LogEntry(new Slot(++_slot), _ballot, new Value(_ballot, ValueKind.Commands, _payload)));
        }

        _segments.Write([effects]);
        if (_slot % TrimEverySlots < SlotsInGroup)
        {
            _segments.TrimBelow(new Slot(_slot));
        }
    }

    /// <summary>One batch with a synced write-ahead log.</summary>
    [Benchmark]
    public void RocksDbWal()
    {
        using var batch = new WriteBatch();
        Span<byte> key = stackalloc byte[sizeof(long)];
        for (int i = 0; i < SlotsInGroup; i++)
        {
            System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(key, ++_slot);
            batch.Put(key, _payload);
        }

        _rocks.Write(batch, _synced);
    }

    /// <summary>Enqueues the group and waits for its commit.</summary>
    [Benchmark]
    public void Faster()
    {
        for (int i = 0; i < SlotsInGroup; i++)
        {
            _faster.Enqueue(_payload);
        }

        _faster.Commit(spinWait: true);
    }
}
