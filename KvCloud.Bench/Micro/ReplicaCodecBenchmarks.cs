using BenchmarkDotNet.Attributes;
using KvCloud.Consensus;
using KvCloud.Node.Transport;
using Thrift.Protocol;
using Thrift.Protocol.Entities;
using Thrift.Transport.Client;

namespace KvCloud.Bench.Micro;

/// <summary>
/// Encodes and decodes one Accept with a slot of 128 commands: with the replicas' own codec, including its checksum,
/// and with Thrift's binary protocol, using the calls that generated code would make for the same fields (no checksum).
/// </summary>
[MemoryDiagnoser]
public class ReplicaCodecBenchmarks
{
    private Accept _accept = null!;
    private byte[] _frame = null!;
    private byte[] _thrift = null!;

    [GlobalSetup]
    public void SetUp()
    {
        var ballot = new Ballot(3, new NodeId(1));
        var value = new Value(ballot, ValueKind.Commands, MicroData.Slot(0));
        _accept = new Accept(
            new NodeId(1), new NodeId(2), ballot, new Slot(41), [new LogEntry(new Slot(42), ballot, value)]);
        _frame = new byte[ConsensusCodec.SizeOf(_accept)];
        ConsensusCodec.Encode(_accept, _frame);
        _thrift = EncodeThrift();
    }

    [Benchmark(Baseline = true)]
    public int EncodeOwn()
    {
        ConsensusCodec.Encode(_accept, _frame);
        return _frame.Length;
    }

    [Benchmark]
    public byte[] EncodeThrift()
    {
        using var transport = new TMemoryBufferTransport(null);
        using var protocol = new TBinaryProtocol(transport);
        WriteThriftAsync(protocol, _accept).GetAwaiter().GetResult();
        return transport.GetBuffer();
    }

    [Benchmark]
    public Message DecodeOwn() => ConsensusCodec.DecodeMessage(_frame);

    [Benchmark]
    public Message DecodeThrift()
    {
        using var transport = new TMemoryBufferTransport(_thrift, null);
        using var protocol = new TBinaryProtocol(transport);
        return ReadThriftAsync(protocol).GetAwaiter().GetResult();
    }

    private static async Task WriteThriftAsync(TProtocol to, Accept accept)
    {
        await to.WriteStructBeginAsync(new TStruct("Accept"), default).ConfigureAwait(false);
        await WriteLongAsync(to, 1, accept.From.Value).ConfigureAwait(false);
        await WriteLongAsync(to, 2, accept.To.Value).ConfigureAwait(false);
        await WriteBallotAsync(to, 3, accept.Ballot).ConfigureAwait(false);
        await WriteLongAsync(to, 4, accept.ChosenSlot.Value).ConfigureAwait(false);
        await to.WriteFieldBeginAsync(new TField("entries", TType.List, 5), default).ConfigureAwait(false);
        await to.WriteListBeginAsync(new TList(TType.Struct, accept.Entries.Count), default).ConfigureAwait(false);
        foreach (LogEntry entry in accept.Entries)
        {
            await to.WriteStructBeginAsync(new TStruct("Entry"), default).ConfigureAwait(false);
            await WriteLongAsync(to, 1, entry.Slot.Value).ConfigureAwait(false);
            await WriteBallotAsync(to, 2, entry.Accepted).ConfigureAwait(false);
            await WriteBallotAsync(to, 3, entry.Value.Origin).ConfigureAwait(false);
            await WriteLongAsync(to, 4, (long)entry.Value.Kind).ConfigureAwait(false);
            await to.WriteFieldBeginAsync(new TField("payload", TType.String, 5), default).ConfigureAwait(false);
            await to.WriteBinaryAsync(entry.Value.Payload.ToArray(), default).ConfigureAwait(false);
            await to.WriteFieldEndAsync(default).ConfigureAwait(false);
            await to.WriteFieldStopAsync(default).ConfigureAwait(false);
            await to.WriteStructEndAsync(default).ConfigureAwait(false);
        }

        await to.WriteListEndAsync(default).ConfigureAwait(false);
        await to.WriteFieldEndAsync(default).ConfigureAwait(false);
        await to.WriteFieldStopAsync(default).ConfigureAwait(false);
        await to.WriteStructEndAsync(default).ConfigureAwait(false);
    }

    private static async Task WriteBallotAsync(TProtocol to, short id, Ballot ballot)
    {
        await to.WriteFieldBeginAsync(new TField("ballot", TType.Struct, id), default).ConfigureAwait(false);
        await to.WriteStructBeginAsync(new TStruct("Ballot"), default).ConfigureAwait(false);
        await WriteLongAsync(to, 1, ballot.Round).ConfigureAwait(false);
        await WriteLongAsync(to, 2, ballot.Node.Value).ConfigureAwait(false);
        await to.WriteFieldStopAsync(default).ConfigureAwait(false);
        await to.WriteStructEndAsync(default).ConfigureAwait(false);
        await to.WriteFieldEndAsync(default).ConfigureAwait(false);
    }

    private static async Task WriteLongAsync(TProtocol to, short id, long value)
    {
        await to.WriteFieldBeginAsync(new TField("number", TType.I64, id), default).ConfigureAwait(false);
        await to.WriteI64Async(value, default).ConfigureAwait(false);
        await to.WriteFieldEndAsync(default).ConfigureAwait(false);
    }

    private static async Task<Message> ReadThriftAsync(TProtocol from)
    {
        await from.ReadStructBeginAsync(default).ConfigureAwait(false);
        long sender = await ReadLongAsync(from).ConfigureAwait(false);
        long receiver = await ReadLongAsync(from).ConfigureAwait(false);
        Ballot ballot = await ReadBallotAsync(from).ConfigureAwait(false);
        long chosen = await ReadLongAsync(from).ConfigureAwait(false);
        await from.ReadFieldBeginAsync(default).ConfigureAwait(false);
        TList list = await from.ReadListBeginAsync(default).ConfigureAwait(false);
        var entries = new List<LogEntry>(list.Count);
        for (int i = 0; i < list.Count; i++)
        {
            await from.ReadStructBeginAsync(default).ConfigureAwait(false);
            long slot = await ReadLongAsync(from).ConfigureAwait(false);
            Ballot accepted = await ReadBallotAsync(from).ConfigureAwait(false);
            Ballot origin = await ReadBallotAsync(from).ConfigureAwait(false);
            long kind = await ReadLongAsync(from).ConfigureAwait(false);
            await from.ReadFieldBeginAsync(default).ConfigureAwait(false);
            byte[] payload = await from.ReadBinaryAsync(default).ConfigureAwait(false);
            await from.ReadFieldEndAsync(default).ConfigureAwait(false);
            await EndStructAsync(from).ConfigureAwait(false);
            entries.Add(new LogEntry(new Slot(slot), accepted, new Value(origin, (ValueKind)kind, payload)));
        }

        await from.ReadListEndAsync(default).ConfigureAwait(false);
        await from.ReadFieldEndAsync(default).ConfigureAwait(false);
        await EndStructAsync(from).ConfigureAwait(false);
        return new Accept(new NodeId((int)sender), new NodeId((int)receiver), ballot, new Slot(chosen), entries);
    }

    private static async Task<Ballot> ReadBallotAsync(TProtocol from)
    {
        await from.ReadFieldBeginAsync(default).ConfigureAwait(false);
        await from.ReadStructBeginAsync(default).ConfigureAwait(false);
        long round = await ReadLongAsync(from).ConfigureAwait(false);
        long node = await ReadLongAsync(from).ConfigureAwait(false);
        await EndStructAsync(from).ConfigureAwait(false);
        await from.ReadFieldEndAsync(default).ConfigureAwait(false);
        return new Ballot(round, new NodeId((int)node));
    }

    private static async Task<long> ReadLongAsync(TProtocol from)
    {
        await from.ReadFieldBeginAsync(default).ConfigureAwait(false);
        long value = await from.ReadI64Async(default).ConfigureAwait(false);
        await from.ReadFieldEndAsync(default).ConfigureAwait(false);
        return value;
    }

    private static async Task EndStructAsync(TProtocol from)
    {
        // The stop field.
        await from.ReadFieldBeginAsync(default).ConfigureAwait(false);
        await from.ReadStructEndAsync(default).ConfigureAwait(false);
    }
}
