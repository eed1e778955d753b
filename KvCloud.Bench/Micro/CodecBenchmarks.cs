using BenchmarkDotNet.Attributes;
using KvCloud.Node.Operations;

namespace KvCloud.Bench.Micro;

/// <summary>Encodes a set command into a slot and decodes it.</summary>
[MemoryDiagnoser]
public class CodecBenchmarks
{
    private SetCommand _set = null!;
    private byte[] _encoded = null!;

    [GlobalSetup]
    public void SetUp()
    {
        _set = new SetCommand(null, MicroData.Key(42), MicroData.Value) { Identity = new RequestIdentity(1, 2, 1) };
        _encoded = CommandCodec.Encode(_set);
    }

    [Benchmark]
    public int Encode() => CommandCodec.Encode(_set).Length;

    [Benchmark]
    public bool Decode() => CommandCodec.TryDecode(_encoded, out _, out _);
}
