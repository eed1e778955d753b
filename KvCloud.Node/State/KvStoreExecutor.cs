using KvCloud.Consensus;
using KvCloud.Node.Files;
using KvCloud.Node.Operations;
using KvCloud.Node.Storage;

namespace KvCloud.Node.State;

/// <summary>
/// Applies chosen slots to the store, in order, each exactly once: the applied slot is in the same atomic batch as the
/// data. One thread applies and collects; <see cref="Reader"/> may be used from any; flushing may run beside both.
/// </summary>
internal sealed class KvStoreExecutor : IDisposable
{
    /// <summary>
    /// A batch is written at the end of the first slot that exceeds this size, so that catching up needs bounded
    /// memory.
    /// </summary>
    private const int BatchPayloadBytes = 4 * 1024 * 1024;

    /// <summary>
    /// Collection keeps pace with writes: it may delete this many versions per command of the batch …
    /// </summary>
    private const int CollectPerCommand = 2;

    /// <summary>… and at least this many per batch.</summary>
    private const int CollectPerBatch = 64;

    private readonly IKvStore _store;
    private readonly IKvBatch _batch;
    private readonly KvStateMachine _machine;
    private readonly PublishedState _published;
    private readonly List<Outcome> _outcomes = [];

    /// <summary>Held while the store is written, and while a checkpoint is made of it.</summary>
    private readonly Lock _writing = new();

    /// <summary>Held while the store is flushed.</summary>
    private readonly Lock _flushing = new();
    private CommitVersion? _last;
    private int _previousCommands;
    private bool _failed;
    private volatile bool _isCollected;
    private long _durableSlot;
    private long _storedOldest;

    /// <summary>The caller keeps ownership of the store and disposes of it after this.</summary>
    /// <exception cref="StoreCorruptException">What must be read of the store is damaged.</exception>
    /// <exception cref="FeatureLevelException">The store holds more than the supported feature level.</exception>
    public KvStoreExecutor(
        IKvStore store,
        SessionLimits? sessions = null,
        StoreHealth? health = null,
        int supportedLevel = FeatureLevels.Newest)
    {
        Health = health ?? new StoreHealth();
        store = new GuardedKvStore(store, Health);
        _store = store;
        _batch = store.CreateBatch();
        _machine = new KvStateMachine(store, _batch, sessions ?? SessionLimits.Default, supportedLevel);
        _published = new PublishedState(
            AppliedNow(),
            _machine.OldestReadable,
            _machine.Keyspaces,
            _machine.Access);
        _durableSlot = _machine.AppliedSlot.Value;
        _storedOldest = _machine.OldestReadable.Value;
        Reader = new KvReader(store, _published, _machine.Transactions, Health);
        Space = new SpaceReclaimer(store, this);
    }

    public KvReader Reader { get; }

    /// <summary>Whether damage was found in the store, which closes it for all that is done here.</summary>
    public StoreHealth Health { get; }

    /// <summary>Gives up the space of what was superseded.</summary>
    public SpaceReclaimer Space { get; }

    /// <summary>A consistent set of slot, version and state hash.</summary>
    public AppliedState Applied => _published.Applied;

    public Slot AppliedSlot => _published.Applied.Slot;

    /// <summary>How many versions can still be read beside the newest one.</summary>
    public long VersionsInWindow =>
        Math.Max(0, _published.Applied.Version.Value - _published.OldestReadable.Value);

    /// <summary>Whether the last look found no more tombstones or keys of dropped keyspaces to delete.</summary>
    public bool IsCollected => _isCollected;

    public int SessionCount => _machine.SessionCount;

    /// <summary>
    /// The members of the group as the last slot that changed them made them; null where none has. Before the first
    /// call of <see cref="Apply"/>, or on the thread that applies.
    /// </summary>
    public GroupMembers? Members => _machine.Members;

    /// <summary>What would survive a crash now: the log may be trimmed up to here (inclusive).</summary>
    public Slot DurableSlot => new(Volatile.Read(ref _durableSlot));

    /// <summary>
    /// Applies consecutive slots, starting after the applied one. The observer receives the result of each command once
    /// its batch is written. If this throws, the node must stop: its memory and its store may disagree.
    /// </summary>
    public void Apply(IReadOnlyList<ChosenEntry> entries, IApplyObserver? observer)
    {
        int next = 0;
        while (next < entries.Count)
        {
            Invariant.Check(!_failed, "nothing is applied after a failure");
            _failed = true;
            next = ApplyBatch(entries, next);
            _failed = false;
            Report(observer);
        }
    }

    /// <summary>
    /// Applies like <see cref="Apply"/>, but for a restore: nothing behind the command that reaches the version, even
    /// in the same slot.
    /// </summary>
    /// <param name="last">Null for all.</param>
    /// <returns>Whether the version is reached.</returns>
    public bool ApplyUpTo(IReadOnlyList<ChosenEntry> entries, CommitVersion? last)
    {
        _last = last;
        int next = 0;
        while (next < entries.Count && !HasReachedLast)
        {
            Invariant.Check(!_failed, "nothing is applied after a failure");
            _failed = true;
            next = ApplyBatch(entries, next);
            _failed = false;
            _outcomes.Clear();
        }

        return HasReachedLast;
    }

    /// <summary>
    /// From here on this is the state of a new group: see <see cref="KvStateMachine.BeginGroup"/>. Nothing else is done
    /// meanwhile.
    /// </summary>
    public void BeginGroup(string clusterId, CommitVersion firstVersion)
    {
        Invariant.Check(!_failed, "no group begins after a failure");
        _failed = true;
        _machine.BeginGroup(clusterId, firstVersion);
        _machine.CompleteBatch();
        PublishAndWrite();
        _failed = false;
    }

    /// <summary>
    /// Collects versions outside of the window while there is nothing to apply. True if there may be more.
    /// </summary>
    public bool CollectIdle(int budget = 1024)
    {
        Invariant.Check(!_failed, "nothing is collected after a failure");
        int collected = _machine.Collect(budget);
        _isCollected = collected < budget;
        if (_batch.Count > 0)
        {
            _failed = true;
            lock (_writing)
            {
                _store.Write(_batch);
            }

            _batch.Clear();
            _failed = false;
        }

        return collected >= budget;
    }

    /// <summary>
    /// Makes everything applied before the call durable and returns the slot it reaches. Only then does it give up
    /// versions that had left the retention window by that time: after a crash the store stands at this point, and must
    /// still serve every version in that window. May run on another thread than apply.
    /// </summary>
    public Slot Flush()
    {
        lock (_flushing)
        {
            return FlushNow();
        }
    }

    /// <summary>
    /// Makes a checkpoint of the store, and says what it holds, which is durable here then. Nothing is applied in the
    /// last moments of it. May run on another thread than apply.
    /// </summary>
    public AppliedState CreateCheckpoint(IFileSystem files, string directory)
    {
        lock (_flushing)
        {
            // Most of it while apply goes on.
            FlushNow();
            lock (_writing)
            {
                FlushNow();
                Invariant.Check(_store.IsFlushed, "nobody writes, and not all of the store is in files after a flush");
                _store.CreateCheckpoint(files, directory);
                return Applied;
            }
        }
    }

    /// <summary>Begins to read all that the store has on disk.</summary>
    public IStoreScrub BeginScrub(IFileSystem files) => _store.BeginScrub(files);

    /// <summary>
    /// What is stored of the state that is applied now. On the thread that applies. The caller disposes of it.
    /// </summary>
    public StoredRows OpenStoredRows() =>
        new(Applied, _published.Keyspaces, _store.IterateAt(Applied.Version));

    /// <summary>The files that the store consists of, with their checksums.</summary>
    public IReadOnlyList<StoreFile> ListFiles() => _store.ListFiles();

    /// <summary>Throws if the store has met damage while nobody waited for it.</summary>
    public void CheckBackground() => _store.CheckBackground();

    public void Dispose() => _batch.Dispose();

    /// <summary>What a store holds, as its own record says; null of one that holds nothing.</summary>
    /// <exception cref="StoreCorruptException">The record is damaged.</exception>
    public static AppliedState? ReadApplied(IKvStore store) =>
        ReadRecord(store) is { } record
            ? new AppliedState(record.AppliedSlot, record.AppliedVersion, record.StateHash)
            {
                FeatureLevel = record.FeatureLevel,
            }
            : null;

    /// <summary>A store's own record of its state; null of one that holds nothing.</summary>
    /// <exception cref="StoreCorruptException">The record is damaged.</exception>
    public static StateRecord? ReadRecord(IKvStore store)
    {
        var buffer = new ValueBuffer(stackalloc byte[StateRecord.MaxSizeBytes]);
        try
        {
            return store.TryGet(KvTable.Meta, StateRecord.Key, ref buffer) ? StateRecord.Read(buffer.Value) : null;
        }
        finally
        {
            buffer.Dispose();
        }
    }

    private bool HasReachedLast => _last is { } last && _machine.AppliedVersion >= last;

    private Slot FlushNow()
    {
        Slot applied = AppliedSlot;

        // Not the published window, which is ahead of the batch that writes it to the store.
        var oldest = new CommitVersion(Volatile.Read(ref _storedOldest));
        _store.Flush();
        Volatile.Write(ref _durableSlot, applied.Value);
        _store.RaiseOldestReadable(oldest);
        return applied;
    }

    /// <summary>Applies one batch and returns the index of the first entry after it.</summary>
    private int ApplyBatch(IReadOnlyList<ChosenEntry> entries, int first)
    {
        int budget = CollectPerBatch + (CollectPerCommand * _previousCommands);
        _isCollected = _machine.Collect(budget) < budget;
        long payloadBytes = 0;
        int next = first;
        while (next < entries.Count && payloadBytes < BatchPayloadBytes && !HasReachedLast)
        {
            ChosenEntry entry = entries[next++];
            payloadBytes += entry.Value.Payload.Length;
            ApplySlot(entry);
        }

        _previousCommands = _outcomes.Count;
        _machine.CompleteBatch();
        PublishAndWrite();
        return next;
    }

    private void ApplySlot(in ChosenEntry entry)
    {
        _machine.BeginSlot(entry.Slot);
        if (entry.Value.Kind == ValueKind.Membership)
        {
            _machine.ChangeMembers(entry.Slot, entry.Value.Payload.Span);
        }

        if (entry.Value.Kind != ValueKind.Commands)
        {
            return;
        }

        if (!CommandBatch.TryOpen(entry.Value.Payload, out CommandBatch commands, out string? error))
        {
            _outcomes.Add(new Outcome(entry.Slot, 0, default, error));
            return;
        }

        _machine.Advance(commands.Header);
        int index = 0;
        CommandBatch.Enumerator enumerator = commands.GetEnumerator();
        while (!HasReachedLast && enumerator.MoveNext())
        {
            _outcomes.Add(new Outcome(entry.Slot, index++, _machine.Execute(enumerator.Current), null));
        }

        if (!HasReachedLast && !enumerator.IsComplete)
        {
            _outcomes.Add(new Outcome(
                entry.Slot, index, default, $"only {index} of {commands.Header.Count} commands are complete"));
        }
    }

    private void PublishAndWrite()
    {
        KeyspaceCatalog before = _published.Keyspaces;
        KeyspaceCatalog after = _machine.Keyspaces;
        _published.OldestReadable = _machine.OldestReadable;
        if (before != after)
        {
            _published.Keyspaces = new KeyspaceCatalog(
                before.Keyspaces.Where(keyspace => after.Contains(keyspace.Id)));
        }

        lock (_writing)
        {
            _store.Write(_batch);
            _batch.Clear();
            Volatile.Write(ref _storedOldest, _machine.OldestReadable.Value);
            if (before != after)
            {
                _published.Keyspaces = after;
            }

            _published.Access = _machine.Access;
            _published.Applied = AppliedNow();
        }
    }

    private AppliedState AppliedNow() =>
        new(_machine.AppliedSlot, _machine.AppliedVersion, _machine.StateHash)
        {
            FeatureLevel = _machine.FeatureLevel,
        };

    private void Report(IApplyObserver? observer)
    {
        if (observer is not null)
        {
            foreach (Outcome outcome in _outcomes)
            {
                if (outcome.Error is null)
                {
                    observer.OnApplied(outcome.Slot, outcome.Index, outcome.Result);
                }
                else
                {
                    observer.OnMalformed(outcome.Slot, outcome.Error);
                }
            }
        }

        _outcomes.Clear();
    }

    private readonly record struct Outcome(Slot Slot, int Index, CommandResult Result, string? Error);
}
