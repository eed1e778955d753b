using System.Diagnostics.CodeAnalysis;
using BenchmarkDotNet.Attributes;
using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.State;
using KvCloud.Node.Storage;

namespace KvCloud.Bench.Micro;

/// <summary>Where the store's micro-benchmarks keep their data.</summary>
public enum StoreKind
{
    /// <summary>In memory: the cost of the state machine without RocksDB.</summary>
    Memory,

    /// <summary>The store of a replica with default settings.</summary>
    RocksDb,
}

/// <summary>
/// Puts of slots with random keys, and gets: through the multi-version state machine, and directly into a store with
/// one version. The retention window is short enough that old versions are collected as fast as new ones are written.
/// </summary>
[MemoryDiagnoser]
[SuppressMessage("Design", "CA1001", Justification = "BenchmarkDotNet calls CleanUp, and derives from this class.")]
public class StoreBenchmarks
{
    private const long Keys = 100_000;
    private const int Slots = 4096;
    private const int WarmUpSlots = 4 * (int)(Keys / MicroData.CommandsInSlot);

    private readonly List<DirectoryInfo> _directories = [];
    private readonly byte[] _valueSpace = new byte[256];
    private IKvStore _store = null!;
    private KvStoreExecutor _executor = null!;
    private IKvStore _plainStore = null!;
    private IKvBatch _plainBatch = null!;
    private byte[][] _payloads = null!;
    private long _slot;
    private long _key;

    [ParamsAllValues]
    public StoreKind Store { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        _store = Open();
        _plainStore = Open();
        _plainBatch = _plainStore.CreateBatch();
        _executor = new KvStoreExecutor(_store);
        var random = new Random(1);
        var retention = new MvccRetention(60_000, Keys);
        _payloads =
            [.. Enumerable.Range(0, Slots).Select(_ => MicroData.Slot(() => random.NextInt64(Keys), retention))];
        for (int i = 0; i < WarmUpSlots; i++)
        {
            Put();
            PutSingleVersion();
        }
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _executor.Dispose();
        _store.Dispose();
        _plainBatch.Dispose();
        _plainStore.Dispose();
        _directories.ForEach(directory => directory.Delete(recursive: true));
    }

    [Benchmark(OperationsPerInvoke = MicroData.CommandsInSlot)]
    public long Put()
    {
        _slot++;
        var value = new Value(new Ballot(1, new NodeId(0)), ValueKind.Commands, _payloads[_slot % Slots]);
        _executor.Apply([new ChosenEntry(new Slot(_slot), value)], null);
        return _slot;
    }

    [Benchmark(OperationsPerInvoke = MicroData.CommandsInSlot, Baseline = true)]
    public long PutSingleVersion()
    {
        for (int i = 0; i < MicroData.CommandsInSlot; i++)
        {
            _plainBatch.Put(KvTable.Sessions, MicroData.Key(NextKey()), MicroData.Value);
        }

        _plainStore.Write(_plainBatch);
        _plainBatch.Clear();
        return _key;
    }

    [Benchmark]
    public int Get()
    {
        GetResult found = _executor.Reader.Get(null, MicroData.Key(NextKey()), null);
        return found.Value?.Length ?? 0;
    }

    [Benchmark]
    public int GetSingleVersion()
    {
        var buffer = new ValueBuffer(_valueSpace);
        return _plainStore.TryGet(KvTable.Sessions, MicroData.Key(NextKey()), ref buffer) ? buffer.Value.Length : 0;
    }

    private long NextKey()
    {
        _key = (_key + 7919) % Keys;
        return _key;
    }

    private IKvStore Open()
    {
        if (Store == StoreKind.Memory)
        {
            return new MemoryKvStore();
        }

        DirectoryInfo directory = Directory.CreateTempSubdirectory("kvcloud-micro-");
        _directories.Add(directory);
        return RocksKvStore.Open(Path.Combine(directory.FullName, "data"), new StoreOptions());
    }
}
