using System.Text;
using System.Text.Json;
using KvCloud.Consensus;
using KvCloud.Node.Diagnostics;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication;
using KvCloud.Tests.Node.Rpc;

namespace KvCloud.Tests.Node.Diagnostics;

public sealed class LogInspectorTests : IDisposable
{
    private static readonly Ballot First = new(1, new NodeId(0));
    private static readonly Ballot Second = new(2, new NodeId(1));

    private readonly MemoryPaxosLog _log = new();
    private readonly LogInspector _inspector;

    public LogInspectorTests()
    {
        _inspector = new LogInspector(_log, () => new ReplicaStatus(
            new NodeId(0), Role.Follower, Second, new NodeId(1), new Slot(3), new Slot(2), 0, 0, Slot.Zero, 0)
        {
            Promised = new Ballot(3, new NodeId(2)),
        });
        Append(1, First, Value.NoOp(First));
        Append(2, First, Commands(
            First,
            new SetCommand("orders", Bytes("key"), Bytes("do-not-tell")) { Identity = new RequestIdentity(7, 8, 0) },
            new ChangeAccessCommand(Bytes("do-not-tell"))));
        Append(3, Second, Commands(First, new CommitCommand(
            new CommitVersion(40),
            [
                new Mutation(MutationKind.Set, null, Bytes("a"), Bytes("do-not-tell")),
                new Mutation(MutationKind.Delete, null, Bytes("b"), default),
            ],
            [new ConflictKey(null, Bytes("read"))],
            [])));
        Append(4, Second, Value.NoOp(Second));
    }

    public void Dispose() => _inspector.Dispose();

    [Fact]
    public void Read_of_the_newest_says_what_each_slot_holds_and_how_far_it_got()
    {
        LogAnswer answer = _inspector.Read(from: null, limit: 10)!;

        Assert.Equal([1, 2, 3, 4], answer.Slots.Select(slot => slot.Slot));
        Assert.Equal([true, true, true, false], answer.Slots.Select(slot => slot.IsChosen));
        Assert.Equal([true, true, false, false], answer.Slots.Select(slot => slot.IsApplied));
        Assert.Equal(["no_op", "commands", "commands", "no_op"], answer.Slots.Select(slot => slot.Kind));
        Assert.Equal(new BallotAnswer(3, 2), answer.Promised);
        Assert.Equal(new BallotAnswer(2, 1), answer.Slots[2].Accepted);
        Assert.Equal(new BallotAnswer(1, 0), answer.Slots[2].Proposed);
        Assert.Equal((1, 4, 5), (answer.FirstSlot, answer.LastSlot, answer.Next));
    }

    [Fact]
    public void Read_of_commands_shows_keys_and_sizes_and_no_value_or_secret()
    {
        LogAnswer answer = _inspector.Read(from: 2, limit: 2)!;

        CommandAnswer set = answer.Slots[0].Commands[0];
        Assert.Equal(("set", "orders", 11, 7L, 8L),
            (set.Kind, set.ColumnFamily, set.ValueBytes, set.ClientId, set.Sequence));
        Assert.Equal(Bytes("key"), set.Key);
        Assert.Equal("change_access", answer.Slots[0].Commands[1].Kind);
        CommandAnswer commit = Assert.Single(answer.Slots[1].Commands);
        Assert.Equal(
            ("commit", 40L, 2, 1), (commit.Kind, commit.ReadVersion, commit.MutationCount, commit.ConflictKeys));
        Assert.Equal(["set", "delete"], commit.Mutations!.Select(mutation => mutation.Kind));
        string text = JsonSerializer.Serialize(answer, NodeEndpoints.Json);
        Assert.DoesNotContain("do-not-tell", text, StringComparison.Ordinal);
        Assert.DoesNotContain(Convert.ToBase64String(Bytes("do-not-tell")), text, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_from_a_slot_goes_on_where_the_answer_before_ended()
    {
        LogAnswer first = _inspector.Read(from: 1, limit: 3)!;
        LogAnswer second = _inspector.Read(first.Next, limit: 3)!;
        LogAnswer third = _inspector.Read(second.Next, limit: 3)!;

        Assert.Equal([1, 2, 3], first.Slots.Select(slot => slot.Slot));
        Assert.Equal([4], second.Slots.Select(slot => slot.Slot));
        Assert.Empty(third.Slots);
        Assert.Equal(second.Next, third.Next);
    }

    [Fact]
    public void Read_of_a_slot_with_many_commands_shows_the_first_and_counts_all()
    {
        Append(5, Second, Commands(
            Second,
            [
                .. Enumerable.Range(0, 100).Select(index => new SetCommand(null, new byte[10_000], Bytes("value"))),
            ]));

        SlotAnswer slot = Assert.Single(_inspector.Read(from: 5, limit: 1)!.Slots);

        Assert.Equal(100, slot.CommandCount);
        Assert.Equal(SlotAnswer.MaxCommands, slot.Commands.Count);
        Assert.All(slot.Commands, command => Assert.Equal(
            (CommandAnswer.MaxKeyBytes, 10_000), (command.Key!.Length, command.KeyBytes)));
    }

    [Fact]
    public void Read_of_the_newest_stops_at_the_limit_of_bytes()
    {
        for (int slot = 5; slot < 20; slot++)
        {
            Append(slot, Second, Commands(Second, new SetCommand(null, Bytes("key"), new byte[1024 * 1024])));
        }

        LogAnswer answer = _inspector.Read(from: null, limit: 15)!;

        Assert.Equal([16, 17, 18, 19], answer.Slots.Select(slot => slot.Slot));
    }

    private static Value Commands(Ballot origin, params KvCommand[] commands)
    {
        var writer = new CommandBatchWriter();
        foreach (KvCommand command in commands)
        {
            writer.Add(CommandCodec.Encode(command));
        }

        return new Value(origin, ValueKind.Commands, writer.Build(1_700_000_000_000, MvccRetention.Default));
    }

    private void Append(long slot, Ballot accepted, Value value)
    {
        var effects = new Effects();
        effects.Append.Add(new LogEntry(new Slot(slot), accepted, value));
        _log.Write([effects]);
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
