using BenchmarkDotNet.Attributes;
using KvCloud.Bench.Wire;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;
using KvCloud.Protocol.Wire;

namespace KvCloud.Bench.Micro;

/// <summary>One setKey call as it lies in a connection's input, to the request object.</summary>
[MemoryDiagnoser]
public class ThriftBenchmarks
{
    private byte[] _call = null!;

    [GlobalSetup]
    public void SetUp()
    {
        var output = new WireBuffer();
        var call = new WireCall { Kind = CallKind.Set, Keys = MicroData.Key(1), KeySizeBytes = 16, Value = MicroData.Value };
        new ThriftProtocol().Write(call, 1, output);
        _call = output.Unread.ToArray();
    }

    [Benchmark]
    public int DecodeSet() =>
        ThriftCodec.Current.ReadRequest<SetRequest>(RequestMessage.Parse(_call, 0)).Value!.Length;
}
