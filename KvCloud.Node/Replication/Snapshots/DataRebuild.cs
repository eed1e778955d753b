using KvCloud.Consensus;
using KvCloud.Node.Files;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.Replication.Workers;
using KvCloud.Node.State;
using KvCloud.Node.Storage;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Replication.Snapshots;

/// <summary>
/// Rebuilds the data of this replica from a peer's snapshot: damaged data, or sound data that an operator mistrusts. It
/// records the rebuild durably, waits until <see cref="RebuildRules"/> allow it, and has <see cref="SnapshotReceiver"/>
/// fetch a snapshot, which a restart installs. Identity, promise and votes stay.
/// </summary>
internal sealed class DataRebuild(
    KvStoreExecutor executor,
    IPaxosLog log,
    SnapshotReceiver receiver,
    SnapshotPlace place,
    IReplicaRuntime runtime,
    RebuildOptions options,
    IWorkers workers,
    Func<IReadOnlyCollection<NodeId>> others) : IWork
{
    private const int LookMs = 200;

    private readonly IReplicaClock _clock = runtime.Clock;
    private readonly Lock _gate = new();

    // Under the gate.
    private readonly SortedDictionary<NodeId, (PeerReport Report, long AtMs)> _heard = [];
    private readonly Queue<Action<string?>> _orders = [];
    private bool _isClosed;

    // Of the worker.
    private readonly List<(Action<string?> Order, string? Refusal)> _answers = [];
    private long _notBeforeMs = runtime.Clock.NowMs + options.PauseMs;
    private bool _isOrdered = place.Mark is { Damage: null };
    /// <summary>
    /// False in a replica that has started without data. It does not vote, so its restart costs the group nothing, and
    /// it does not know the members.
    /// </summary>
    private readonly bool _hasData = !executor.Health.IsDamaged;
    private bool _isNoted = place.Mark is not null;
    private bool _isDamageNoted = place.Mark is { Damage: not null };
    private bool _isAsked;
    private int _turn;
    private string? _told;
    private volatile bool _isWanted = place.Mark is not null;

    /// <summary>The state of the data, as reported to peers.</summary>
    public DataState State => receiver.IsRebuilding ? DataState.Rebuilding
        : executor.Health.IsDamaged ? DataState.Damaged : DataState.Sound;

    /// <summary>The log above this slot must stay for the rebuild under way; null if there is none.</summary>
    public Slot? PinnedSlot => receiver.RebuildSlot;

    /// <summary>Whether the damage is recorded durably, so that no later start opens the data.</summary>
    public bool IsDamageNoted => Volatile.Read(ref _isDamageNoted);

    /// <summary>Whether a rebuild was ordered or is needed, since this process or an earlier one.</summary>
    public bool IsWanted => _isWanted;

    public int MaxSleepMs => LookMs;

    /// <summary>
    /// An operator orders a rebuild. The answer is null once the order is durable, or the reason for a refusal. The
    /// caller wakes the worker.
    /// </summary>
    public void Order(Action<string?> answer)
    {
        lock (_gate)
        {
            if (!_isClosed)
            {
                _orders.Enqueue(answer);
                return;
            }
        }

        answer("the node is stopping");
    }

    /// <summary>Any thread.</summary>
    public void Note(PeerReport report)
    {
        lock (_gate)
        {
            _heard[report.From] = (report, _clock.NowMs);
        }
    }

    /// <summary>Whether the replica's last report said that its data are not sound. Any thread.</summary>
    public bool HasReportedDamage(NodeId replica)
    {
        lock (_gate)
        {
            return _heard.TryGetValue(replica, out (PeerReport Report, long AtMs) last)
                && last.Report.Data != DataState.Sound;
        }
    }

    public bool IsDue(RunReason reason)
    {
        lock (_gate)
        {
            return !_isClosed && (_orders.Count > 0 || (executor.Health.IsDamaged && !IsDamageNoted));
        }
    }

    public bool TryBegin(RunReason reason) => !_isClosed;

    public void Execute()
    {
        try
        {
            NoteDamage();
            TakeOrders();
            _isWanted = _isOrdered || executor.Health.IsDamaged;
            if (_isWanted)
            {
                GoOn();
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The damage is known in memory all the same; the next run tries to record it again.
            Tell($"the rebuild of the data cannot be recorded, and is tried again: {exception.Message}");
        }
    }

    public FollowUp Complete()
    {
        foreach ((Action<string?> order, string? refusal) in _answers)
        {
            order(refusal);
        }

        _answers.Clear();
        return default;
    }

    public void Abandon()
    {
        List<Action<string?>> left;
        lock (_gate)
        {
            _isClosed = true;
            left = [.. _orders];
            _orders.Clear();
        }

        left.ForEach(order => order("the node is stopping"));
    }

    private void NoteDamage()
    {
        if (executor.Health.Damage is StoreDamage damage && !IsDamageNoted)
        {
            new RebuildMark(damage).Write(place.Files, place.Paths);
            _isNoted = true;
            Volatile.Write(ref _isDamageNoted, true);
            place.Alarm(
                $"DAMAGED: {damage.Sentence}. This replica answers no reads, applies nothing and does not lead; it"
                + " still votes. Its data will be rebuilt from a peer's"
                + (options.IsAutomatic ? "" : " once an operator orders it: kv member rebuild"));
        }
    }

    private void TakeOrders()
    {
        while (TryDequeue(out Action<string?>? order))
        {
            string? refusal = _hasData && others().Count == 0
                ? "there is no other replica to fetch the data from"
                : RebuildRules.FindObstacle(others(), Heard(), log.FirstSlot.Previous, needsOnlySource: true);
            if (refusal is null && !_isNoted)
            {
                new RebuildMark(null).Write(place.Files, place.Paths);
                _isNoted = true;
            }

            _isOrdered |= refusal is null;
            _notBeforeMs = refusal is null ? _clock.NowMs : _notBeforeMs;
            _answers.Add((order, refusal));
        }
    }

    private bool TryDequeue([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Action<string?>? order)
    {
        lock (_gate)
        {
            return _orders.TryDequeue(out order);
        }
    }

    private void GoOn()
    {
        if (receiver.IsRebuilding)
        {
            _isAsked = true;
            return;
        }

        if (_isAsked)
        {
            // The attempt has failed. The next one uses another peer.
            _isAsked = false;
            _turn++;
            _notBeforeMs = _clock.NowMs + options.PauseMs;
        }

        if (_clock.NowMs < _notBeforeMs || !(options.IsAutomatic || _isOrdered))
        {
            return;
        }

        IReadOnlyCollection<PeerReport> heard = Heard();
        // This log must have every slot after the snapshot: peers may have trimmed them.
        Slot atLeast = log.FirstSlot.Previous;
        bool needsOnlySource = _isOrdered || !_hasData;
        if (RebuildRules.FindObstacle(others(), heard, atLeast, needsOnlySource) is string obstacle)
        {
            Tell($"the rebuild of the data waits: {obstacle}");
            return;
        }

        receiver.Rebuild(RebuildRules.Choose(heard, atLeast, _turn), atLeast);
        workers.Wake(Station.Incoming);
        _isAsked = true;
    }

    private List<PeerReport> Heard()
    {
        long sinceMs = _clock.NowMs - options.HeardWithinMs;
        lock (_gate)
        {
            return [.. _heard.Values.Where(item => item.AtMs >= sinceMs).Select(item => item.Report)];
        }
    }

    /// <summary>Logs a sentence unless it is the one logged last.</summary>
    private void Tell(string what)
    {
        if (_told != what)
        {
            _told = what;
            place.Tell(what);
        }
    }
}
