using System.Diagnostics.Metrics;
using KvCloud.Consensus;
using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.Replication.Workers;
using KvCloud.Node.Transport;
using KvCloud.Tests.Node.Diagnostics;
using KvCloud.Tests.Node.Rpc;
using Microsoft.Extensions.DependencyInjection;

namespace KvCloud.Tests.Node.Replication;

public sealed class LogWriterTests : IDisposable
{
    private static readonly NodeId Self = new(0);
    private static readonly NodeId Peer = new(1);

    private readonly MemoryPaxosLog _log = new();
    private readonly SentMessages _transport = new();
    private readonly DriverInbox _inbox = new(100, long.MaxValue, long.MaxValue, 10);
    private readonly LogWriter _writer;

    public LogWriterTests() =>
        _writer = new LogWriter(Self, _log, _transport, _inbox, new ManualRuntime(), new SlotTraces(Self, []));

    public void Dispose() => _log.Dispose();

    [Fact]
    public void Complete_what_waited_for_the_write_is_released_to_peers_and_to_this_node()
    {
        _writer.Write(Entry(1, to: Peer));
        _writer.Write(Entry(2, to: Self));
        _writer.TryBegin(RunReason.Woken);
        _writer.Execute();
        Assert.Equal((new Slot(2), 0, true), (_log.LastSlot, _transport.Messages.Count, _inbox.IsEmpty));

        FollowUp followUp = _writer.Complete();

        Assert.Equal(Due.Inline, followUp.Consensus);
        Assert.Equal(Peer, Assert.Single(_transport.Messages).To);
        Assert.Equal(Self, Assert.Single(_inbox.Take(new DriverInbox.Batch()).Messages).To);
        Assert.Equal(0, _writer.UnwrittenSlots);
    }

    [Fact]
    public void UnwrittenBytes_counts_what_waits_for_the_disk_and_nothing_after()
    {
        Effects entry = Entry(1, to: Peer);
        long bytes = entry.Append.Sum(item => (long)item.Value.Payload.Length);

        _writer.Write(entry);
        Assert.Equal((1L, bytes), (_writer.UnwrittenSlots, _writer.UnwrittenBytes));
        Assert.True(_writer.Run());

        Assert.Equal((0L, 0L), (_writer.UnwrittenSlots, _writer.UnwrittenBytes));
    }

    [Fact]
    public void Write_chosen_slot_alone_waits_until_it_is_asked_for()
    {
        Assert.Equal(Due.No, _writer.Write(Chosen(1)));
        Assert.False(_writer.IsDue(RunReason.Woken));
        Assert.False(_writer.Run());

        Assert.Equal(Due.OwnThread, _writer.WriteCommitIndex());
        Assert.True(_writer.Run());
        Assert.Equal(new Slot(1), _log.ChosenSlot);
    }

    [Fact]
    public void Write_chosen_slot_goes_with_the_next_entry()
    {
        _writer.Write(Chosen(1));
        _writer.Write(Entry(2));

        Assert.True(_writer.Run());
        Assert.Equal((new Slot(1), new Slot(2)), (_log.ChosenSlot, _log.LastSlot));
    }

    [Fact]
    public void Write_message_that_waits_for_earlier_writes_is_due()
    {
        var effects = new Effects();
        effects.SendAfterPersist.Add(new ReadIndexRequest(Self, Peer, 1));

        Assert.Equal(Due.Inline, _writer.Write(effects));
        Assert.True(_writer.Run());
        Assert.Single(_transport.Messages);
    }

    [Fact]
    public void Close_what_waits_is_due()
    {
        _writer.Write(Chosen(1));
        _writer.Close();

        Assert.True(_writer.IsDue(RunReason.Woken));
        Assert.True(_writer.Run());
        Assert.Equal(new Slot(1), _log.ChosenSlot);
    }

    [Fact]
    public void Write_that_is_small_and_alone_may_run_inline_one_that_is_not_may_not()
    {
        Assert.Equal(Due.Inline, _writer.Write(Entry(1)));
        Assert.Equal(Due.OwnThread, _writer.Write(Entry(2)));
        _writer.TryBegin(RunReason.Woken);
        _writer.Execute();
        Assert.Equal(Due.OwnThread, _writer.Write(Entry(3)));
        _writer.Complete();
        _writer.Run();

        Assert.Equal(Due.OwnThread, _writer.Write(Entry(4, bytes: 8_000)));
    }

    [Fact]
    public void UnwrittenSlots_counts_what_is_not_on_disk()
    {
        _writer.Write(Entry(1));
        _writer.Write(Entry(2));
        Assert.Equal(2, _writer.UnwrittenSlots);

        _writer.Run();
        Assert.Equal(0, _writer.UnwrittenSlots);
    }

    private static Effects Chosen(long slot) => new() { ChosenSlot = new Slot(slot) };

    [Fact]
    public void Execute_records_how_many_slots_shared_the_write()
    {
        using ServiceProvider services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        IMeterFactory meters = services.GetRequiredService<IMeterFactory>();
        using var probe = new MeterProbe(meters);
        var runtime = new ManualRuntime(metrics: new ReplicationMetrics(meters));
        var writer = new LogWriter(Self, _log, _transport, _inbox, runtime, new SlotTraces(Self, []));
        writer.Write(Entry(1));
        writer.Write(Entry(2));

        writer.TryBegin(RunReason.Woken);
        writer.Execute();

        Assert.Equal(["kvcloud.log.sync.slots 2"], probe.Values("kvcloud.log.sync.slots"));
    }

    private static Effects Entry(long slot, int bytes = 0, NodeId? to = null)
    {
        var ballot = new Ballot(1, Self);
        var effects = new Effects();
        effects.Append.Add(
            new LogEntry(new Slot(slot), ballot, new Value(ballot, ValueKind.Commands, new byte[bytes])));
        effects.SendAfterPersist.Add(new ReadIndexRequest(Self, to ?? Peer, slot));
        return effects;
    }
}
