using System.Text;
using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.State;
using KvCloud.Node.Storage;
using KvCloud.Protocol;

namespace KvCloud.Tests.Simulation;

internal delegate void SimApplied(Slot slot, int index, in CommandResult result);

/// <summary>
/// A replica's data: the production executor on the production in-memory store. What was applied since the last flush
/// is lost in a crash.
/// </summary>
internal sealed class SimStore : IDisposable
{
    private MemoryKvStore _store = new();
    private KvStoreExecutor _executor;

    public SimStore() => _executor = new KvStoreExecutor(_store);

    public Slot AppliedSlot => _executor.AppliedSlot;

    public Slot DurableSlot => _executor.DurableSlot;

    public ulong Hash => _executor.Applied.StateHash;

    public CommitVersion AppliedVersion => _executor.Reader.AppliedVersion;

    /// <summary>The payload of a slot, as the production driver builds it.</summary>
    public static byte[] Encode(IReadOnlyList<SimAttempt> attempts, long unixMs)
    {
        var writer = new CommandBatchWriter(initialCapacityBytes: 256);
        foreach (SimAttempt attempt in attempts)
        {
            writer.Add(CommandCodec.Encode(MakeCommand(attempt.Op)));
        }

        return writer.Build(unixMs, MvccRetention.Default);
    }

    public void Apply(IReadOnlyList<ChosenEntry> entries, SimApplied observer) =>
        _executor.Apply(entries, new Observer(observer));

    public (string? Value, long Version) Read(string key, CommitVersion? at = null)
    {
        GetResult result = _executor.Reader.Get(null, Encoding.UTF8.GetBytes(key), at);
        return result.Code != ErrorCode.OK
            ? throw new SimFailureException($"a read of {key} answers {result.Code}: {result.Message}")
            : result.Value is null ? (null, 0) : (Encoding.UTF8.GetString(result.Value), result.Version.Value);
    }

    /// <summary>The keys from the first to the last, both included, at a version.</summary>
    public IReadOnlyDictionary<string, string> ReadRange(string first, string last, CommitVersion at)
    {
        var query = new RangeQuery(
            Encoding.UTF8.GetBytes(first), true, 0, Encoding.UTF8.GetBytes(last), true, 0, 0, int.MaxValue);
        RangeResult result = _executor.Reader.GetRange(null, query, at);
        return result.Code == ErrorCode.OK && !result.HasMore
            ? result.Rows.ToDictionary(
                row => Encoding.UTF8.GetString(row.Key), row => Encoding.UTF8.GetString(row.Value))
            : throw new SimFailureException($"a read from {first} to {last} answers {result.Code}: {result.Message}");
    }

    public void Flush() => _executor.Flush();

    public void Crash()
    {
        _executor.Dispose();
        _store.RestoreLastFlush();
        _executor = new KvStoreExecutor(_store);
    }

    /// <summary>The store loses the answers of all sessions.</summary>
    public void ForgetAnswers()
    {
        _executor.Dispose();
        using (IKvBatch batch = _store.CreateBatch())
        {
            using IKvIterator answers = _store.Iterate(KvTable.Sessions);
            for (answers.Seek("a"u8); answers.IsValid && answers.Key[0] == 'a'; answers.MoveNext())
            {
                batch.Delete(KvTable.Sessions, answers.Key);
            }

            _store.Write(batch);
        }

        _executor = new KvStoreExecutor(_store);
    }

    public void Wipe()
    {
        Dispose();
        _store = new MemoryKvStore();
        _executor = new KvStoreExecutor(_store);
    }

    public void Dispose()
    {
        _executor.Dispose();
        _store.Dispose();
    }

    private static KvCommand MakeCommand(SimOp op)
    {
        ReadOnlyMemory<byte> value = op.Keys.Count == 0 ? default : Encoding.UTF8.GetBytes(op.ValueOf(0));
        KvCommand command = op.Kind switch
        {
            SimOpKind.OpenSession => new OpenSessionCommand(),
            SimOpKind.Set => new SetCommand(null, Encoding.UTF8.GetBytes(op.Keys[0]), value),
            SimOpKind.Delete => new DeleteCommand(null, Encoding.UTF8.GetBytes(op.Keys[0])),
            SimOpKind.Commit => new CommitCommand(
                new CommitVersion(op.ReadVersion),
                [.. op.Keys.Select((key, index) => new Mutation(
                    MutationKind.Set, null, Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(op.ValueOf(index))))],
                [.. op.ConflictKeys.Select(key => new ConflictKey(null, Encoding.UTF8.GetBytes(key)))],
                []),
            _ => throw new InvalidOperationException($"{op} is no write"),
        };
        return op.Identity is SimIdentity identity
            ? command with
            {
                Identity = new RequestIdentity(identity.Session, identity.Sequence, identity.AcknowledgedBelow),
            }
            : command;
    }

    private sealed class Observer(SimApplied applied) : IApplyObserver
    {
        public void OnApplied(Slot slot, int index, in CommandResult result) => applied(slot, index, result);

        public void OnMalformed(Slot slot, string error) =>
            throw new SimFailureException($"slot {slot} is malformed: {error}");
    }
}
