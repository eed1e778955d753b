using KvCloud.Consensus;
using KvCloud.Node.Files;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.Replication.Workers;
using KvCloud.Node.State;
using KvCloud.Node.Storage;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Replication.Snapshots;

/// <summary>
/// Has the data of this replica made anew from a peer's: damaged ones, or sound ones that an operator mistrusts. It
/// notes durably that it is to be so, waits until the rules allow it, and has <see cref="SnapshotReceiver"/> fetch a
/// snapshot; a restart puts that in place. Identity, promise and votes stay.
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
    /// A replica that has started without data does not vote: it takes nothing from the group by a restart, and does
    /// not know who the members are.
    /// </summary>
    private readonly bool _hasData = !executor.Health.IsDamaged;
    private bool _isNoted = place.Mark is not null;
    private bool _isDamageNoted = place.Mark is { Damage: not null };
    private bool _isAsked;
    private int _turn;
    private string? _told;
    private volatile bool _isWanted = place.Mark is not null;

    /// <summary>What this replica tells its peers of its data.</summary>
    public DataState State => receiver.IsRebuilding ? DataState.Rebuilding
        : executor.Health.IsDamaged ? DataState.Damaged : DataState.Sound;

    /// <summary>Rebuilding, or about to: the log above this slot must stay until the data are in place.</summary>
    public Slot? PinnedSlot => receiver.RebuildSlot;

    /// <summary>The damage is noted durably, so that no start opens the data again.</summary>
    public bool IsDamageNoted => Volatile.Read(ref _isDamageNoted);

    /// <summary>Asked for in this process or one before, and not done yet.</summary>
    public bool IsWanted => _isWanted;

    public int MaxSleepMs => LookMs;

    /// <summary>
    /// An operator wants the data to be made anew. The answer is null when that is noted durably, or why it is refused.
    /// The worker has to be woken afterwards.
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

    /// <summary>Whether the last thing that the replica has told is that its data are not sound. Any thread.</summary>
    public bool HasToldOfDamage(NodeId replica)
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
            // The damage is known in memory all the same; the disk is asked again at the next look.
            Tell($"it cannot be noted that the data are to be made anew: {exception.Message}");
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
                + " votes on. Its data will be made anew from a peer's"
                + (options.IsAutomatic ? "" : " when somebody asks for it: kv member rebuild"));
        }
    }

    private void TakeOrders()
    {
        while (TryDequeue(out Action<string?>? order))
        {
            string? refusal = _hasData && others().Count == 0
                ? "there is no other replica to fetch the data from"
                : RebuildRules.FindObstacle(others(), Heard(), needsOnlySource: true);
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
            // The attempt has failed. The next one asks another peer.
            _isAsked = false;
            _turn++;
            _notBeforeMs = _clock.NowMs + options.PauseMs;
        }

        if (_clock.NowMs < _notBeforeMs || !(options.IsAutomatic || _isOrdered))
        {
            return;
        }

        IReadOnlyCollection<PeerReport> heard = Heard();
        if (RebuildRules.FindObstacle(others(), heard, needsOnlySource: _isOrdered || !_hasData) is string obstacle)
        {
            Tell($"the data are not made anew yet: {obstacle}");
            return;
        }

        // What follows the snapshot must be in this log, or nobody could tell it any more.
        receiver.Rebuild(RebuildRules.Choose(heard, _turn), atLeast: log.FirstSlot.Previous);
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

    /// <summary>Once as long as nothing else is to be said.</summary>
    private void Tell(string what)
    {
        if (_told != what)
        {
            _told = what;
            place.Tell(what);
        }
    }
}
