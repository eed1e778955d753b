using System.Diagnostics.CodeAnalysis;
using BenchmarkDotNet.Attributes;
using KvCloud.Consensus;
using KvCloud.Node.State;
using KvCloud.Node.Storage;

namespace KvCloud.Bench.Micro;

/// <summary>The multi-version state machine over the store in memory: its own cost, without RocksDB's.</summary>
[MemoryDiagnoser]
[SuppressMessage("Design", "CA1001", Justification = "BenchmarkDotNet calls CleanUp, and derives from this class.")]
public class StoreBenchmarks
{
    private const int Slots = 64;
    private const long Keys = (long)Slots * MicroData.CommandsInSlot;

    private MemoryKvStore _store = null!;
    private KvStoreExecutor _executor = null!;
    private byte[][] _payloads = null!;
    private long _slot;
    private long _key;

    [GlobalSetup]
    public void SetUp()
    {
        _store = new MemoryKvStore();
        _executor = new KvStoreExecutor(_store);
        _payloads = [.. Enumerable.Range(0, Slots).Select(i => MicroData.Slot(i * MicroData.CommandsInSlot))];
        for (var i = 0; i < Slots; i++)
        {
            ApplyNext();
        }
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _executor.Dispose();
        _store.Dispose();
    }

    [Benchmark(OperationsPerInvoke = MicroData.CommandsInSlot)]
    public long Put()
    {
        ApplyNext();
        return _slot;
    }

    [Benchmark]
    public int Get()
    {
        _key = (_key + 7919) % Keys;
        var found = _executor.Reader.Get(null, MicroData.Key(_key), null);
        return found.Value?.Length ?? throw new InvalidOperationException($"key {_key} is not there");
    }

    private void ApplyNext()
    {
        var payload = _payloads[_slot % Slots];
        _slot++;
        var value = new Value(new Ballot(1, new NodeId(0)), ValueKind.Commands, payload);
        _executor.Apply([new ChosenEntry(new Slot(_slot), value)], null);
    }
}
