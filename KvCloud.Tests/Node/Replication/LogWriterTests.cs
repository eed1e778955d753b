using KvCloud.Consensus;
using KvCloud.Node.Replication;
using KvCloud.Tests.Node.Rpc;
using KvCloud.Tests.Node.Transport;

namespace KvCloud.Tests.Node.Replication;

public sealed class LogWriterTests : IDisposable
{
    private static readonly NodeId Self = new(0);

    private readonly MemoryPaxosLog _log = new();
    private readonly LogWriter _writer;
    private volatile int _released;
    private volatile Exception? _failure;

    public LogWriterTests()
    {
        _writer = new LogWriter(
            _log, messages => _released += messages.Count, exception => _failure = exception);
        _writer.Start();
    }

    public void Dispose()
    {
        _writer.Dispose();
        Assert.Null(_failure);
    }

    [Fact]
    public async Task Entry_is_written_and_what_waited_for_it_released()
    {
        _writer.Write(Entry(1));

        await Eventually.TrueAsync(() => _released == 1, () => "the message is released");
        Assert.Equal(new Slot(1), _log.LastSlot);
    }

    [Fact]
    public async Task Hint_waits_until_it_is_asked_for()
    {
        _writer.Write(Hint(1));
        await Task.Delay(100);
        Assert.Equal(Slot.Zero, _log.ChosenSlot);

        _writer.WriteHints();
        await Eventually.TrueAsync(() => _log.ChosenSlot == new Slot(1), () => "the hint is written");
    }

    [Fact]
    public async Task Hint_goes_with_the_next_entry()
    {
        _writer.Write(Hint(1));
        _writer.Write(Entry(2));

        await Eventually.TrueAsync(() => _released == 1, () => "the message is released");
        Assert.Equal(new Slot(1), _log.ChosenSlot);
    }

    [Fact]
    public async Task Message_that_waits_for_earlier_writes_is_no_hint()
    {
        var effects = new Effects();
        effects.SendAfterPersist.Add(new ReadIndexRequest(Self, Self, 1));
        _writer.Write(effects);

        await Eventually.TrueAsync(() => _released == 1, () => "the message is released");
    }

    [Fact]
    public void Hint_is_written_at_the_end()
    {
        _writer.Write(Hint(1));
        _writer.Dispose();

        Assert.Equal(new Slot(1), _log.ChosenSlot);
    }

    private static Effects Hint(long slot) => new() { ChosenSlot = new Slot(slot) };

    private static Effects Entry(long slot)
    {
        var ballot = new Ballot(1, Self);
        var effects = new Effects();
        effects.Append.Add(new LogEntry(new Slot(slot), ballot, Value.NoOp(ballot)));
        effects.SendAfterPersist.Add(new ReadIndexRequest(Self, Self, slot));
        return effects;
    }
}
