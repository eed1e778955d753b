using System.Text;
using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.State;
using KvCloud.Node.Storage;

namespace KvCloud.Tests.Node.State;

/// <summary>
/// A store with its executor, fed with batches as the log would, and replayed from that log after a crash.
/// </summary>
internal sealed class StateHarness : IApplyObserver, IDisposable
{
    private readonly Func<IKvStore> _open;
    private readonly Action<IKvStore> _crash;
    private readonly List<CommandResult> _results = [];
    private readonly CommandBatchWriter _writer = new();

    /// <param name="open">Opens the store, after a crash as well.</param>
    /// <param name="crash">Makes the store forget what was not flushed; it is not used again unless opened
    /// anew.</param>
    public StateHarness(Func<IKvStore> open, Action<IKvStore> crash)
    {
        _open = open;
        _crash = crash;
        Store = open();
        Executor = new KvStoreExecutor(Store);
    }

    public IKvStore Store { get; private set; }

    public KvStoreExecutor Executor { get; private set; }

    public KvReader Reader => Executor.Reader;

    /// <summary>Every slot ever chosen, the first at index 0.</summary>
    public List<ChosenEntry> Log { get; } = [];

    public List<string> Malformed { get; } = [];

    public long UnixMs { get; set; } = 1_000_000;

    public MvccRetention Retention { get; set; } = new(60_000, 1_000_000);

    public static StateHarness InMemory()
    {
        var store = new MemoryKvStore();
        return new StateHarness(() => store, _ => store.RestoreLastFlush());
    }

    /// <summary>One slot with these commands; their answers.</summary>
    public IReadOnlyList<CommandResult> Apply(params IReadOnlyList<KvCommand> commands)
    {
        Choose(commands);
        return ApplyChosen();
    }

    public CommandResult ApplyOne(KvCommand command) => Assert.Single(Apply(command));

    /// <summary>Adds a slot to the log without applying it.</summary>
    public void Choose(params IReadOnlyList<KvCommand> commands)
    {
        foreach (KvCommand command in commands)
        {
            _writer.Add(CommandCodec.Encode(command));
        }

        ChoosePayload(_writer.Build(UnixMs, Retention));
    }

    public void ChoosePayload(byte[] payload) => Log.Add(new ChosenEntry(
        new Slot(Log.Count + 1), new Value(new Ballot(1, new NodeId(0)), ValueKind.Commands, payload)));

    /// <summary>Applies what the log has beyond the applied slot, in one call.</summary>
    public IReadOnlyList<CommandResult> ApplyChosen(int atMostSlots = int.MaxValue)
    {
        _results.Clear();
        int applied = (int)Executor.AppliedSlot.Value;
        Executor.Apply(Log.GetRange(applied, Math.Min(atMostSlots, Log.Count - applied)), this);
        return [.. _results];
    }

    /// <summary>Falls back to what was flushed; nothing is replayed yet.</summary>
    public void Crash()
    {
        Executor.Dispose();
        _crash(Store);
        Store = _open();
        Executor = new KvStoreExecutor(Store);
    }

    public string? Get(string key, long? at = null, string? columnFamily = null)
    {
        GetResult result = Reader.Get(columnFamily, Bytes(key), at is long version ? new CommitVersion(version) : null);
        Assert.Equal(KvStatus.Ok, result.Code);
        return result.Value is null ? null : Encoding.UTF8.GetString(result.Value);
    }

    public IReadOnlyList<string> Range(RangeQuery query, long? at = null) =>
        [.. Reader.GetRange(null, query, at is long version ? new CommitVersion(version) : null).Rows
            .Select(row => $"{Encoding.UTF8.GetString(row.Key)}={Encoding.UTF8.GetString(row.Value)}")];

    public static RangeQuery All(int limit = 0) => new(default, true, 0, null, false, 0, limit, 0);

    public static SetCommand Set(string key, string value, string? columnFamily = null) =>
        new(columnFamily, Bytes(key), Bytes(value));

    public static DeleteCommand Delete(string key, string? columnFamily = null) => new(columnFamily, Bytes(key));

    public static Mutation Mutate(MutationKind kind, string key, string value = "", string? columnFamily = null) =>
        new(kind, columnFamily, Bytes(key), Bytes(value));

    public static CommitCommand Commit(
        long readVersion,
        IReadOnlyList<Mutation> mutations,
        IReadOnlyList<string>? conflictKeys = null,
        IReadOnlyList<(string Begin, string? End)>? conflictRanges = null) => new(
            new CommitVersion(readVersion),
            mutations,
            [.. (conflictKeys ?? []).Select(key => new ConflictKey(null, Bytes(key)))],
            [.. (conflictRanges ?? []).Select(range =>
                new ConflictRange(null, Bytes(range.Begin), OptionalBytes(range.End)))]);

    public static ReadOnlyMemory<byte> Bytes(string text) => Encoding.UTF8.GetBytes(text);

    /// <summary>Not by a conditional: in one, null would become an empty memory by way of byte[].</summary>
    public static ReadOnlyMemory<byte>? OptionalBytes(string? text)
    {
        if (text is null)
        {
            return null;
        }

        return Bytes(text);
    }

    public void OnApplied(Slot slot, int index, in CommandResult result) => _results.Add(result);

    public void OnMalformed(Slot slot, string error) => Malformed.Add(error);

    public void Dispose()
    {
        Executor.Dispose();
        Store.Dispose();
    }
}
