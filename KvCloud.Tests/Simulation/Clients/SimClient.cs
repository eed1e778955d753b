using KvCloud.Consensus;
using KvCloud.Node.Operations;

namespace KvCloud.Tests.Simulation;

/// <summary>
/// One client: an operation at a time, sent to whomever it takes for the leader or to anybody. What was refused it
/// sends again; what is unknown only where the operation has an identity, by which it runs once. Or one of the lanes of
/// a client that has several operations on their way.
/// </summary>
internal sealed class SimClient
{
    private const int MaxAttempts = 12;

    private readonly int _id;
    private readonly SimWorld _world;
    private readonly SimProfile _profile;
    private readonly SimPipeline? _pipeline;
    private IEnumerator<SimOp>? _script;
    private long _token;
    private int _attempts;
    private SimBurst? _burst;

    public SimClient(int id, SimWorld world, SimProfile profile, SimPipeline? pipeline = null)
    {
        _id = id;
        _world = world;
        _profile = profile;
        _pipeline = pipeline;
    }

    public bool IsStopping { get; set; }

    public bool IsDone { get; private set; }

    /// <summary>The node that it asked last, or will ask next.</summary>
    public int Target { get; private set; }

    /// <summary>What it does, or has done last.</summary>
    public SimOp? Op { get; private set; }

    /// <summary>What the last operation saw; null when it was no read, or was given up.</summary>
    public SimReadAnswer? Read { get; private set; }

    /// <summary>What the last operation was answered; null when it was no write, or its outcome is unknown.</summary>
    public CommandResult? Written { get; private set; }

    private DeterministicRandom Random => _world.Random;

    /// <summary>The script goes on when an operation has ended, and may look at how.</summary>
    public void Start(IEnumerable<SimOp> script)
    {
        _script = script.GetEnumerator();
        _world.After(Random.Next(_profile.ThinkMaxMs * 1_000), () => NextOp(null));
    }

    /// <summary>Begins the next operation, by itself or with others.</summary>
    public void NextOp(SimBurst? burst)
    {
        if (IsStopping || !_script!.MoveNext())
        {
            IsDone = true;
            return;
        }

        SimOp op = _script.Current;
        Op = op with
        {
            Floor = op.IsAnsweredBefore ? Slot.Zero : _world.Checker.Floor,
            KnownVersion = _world.History.KnownTo(op),
        };
        Read = null;
        Written = null;
        _attempts = 0;
        _burst = burst;
        Target = op.At ?? burst?.Target ?? (Random.Chance(750) ? Target : Random.Next(_profile.AllNodes));
        _pipeline?.Began();
        Send();
    }

    private void Send()
    {
        SimOp op = Op! with { SentUs = _world.NowUs };
        Op = op;
        long token = ++_token;
        _attempts++;
        int timeoutMs = _burst?.TimeoutMs ?? AnyTimeoutMs();
        long arrivesAfterUs = _burst?.ArrivesAfterUs ?? 100 + Random.Next(1_000);
        _burst = null;
        SimNode node = _world.Nodes[Target];
        if (op.IsRead)
        {
            var read = new SimRead(op, answer => Return(token, () => ReadAnswered(answer)));
            Go(token, arrivesAfterUs, () => node.Read(read, timeoutMs));
        }
        else
        {
            if (_attempts > 1 && _world.Sabotage is Sabotage.ResendsAsNew)
            {
                op = op with { Identity = null };
            }

            var attempt = new SimAttempt(
                _world.NextAttempt(), op, (sent, result) => Return(token, () => WriteAnswered(sent, result)));
            Go(token, arrivesAfterUs, () => node.Write(attempt, timeoutMs));
        }

        // The node is to say first what it knows.
        _world.After((timeoutMs + _profile.AnswerMaxMs) * SimProfile.Millisecond, () => IfCurrent(token, Unknown));
    }

    /// <summary>On the way to the node a request may get lost, and there may be nobody there.</summary>
    private void Go(long token, long afterUs, Func<bool> arrive)
    {
        if (Random.Chance(MayLose ? 5 : 0))
        {
            return;
        }

        _world.After(afterUs, () =>
        {
            if (!arrive())
            {
                Return(token, NothingDone);
            }
        });
    }

    /// <summary>And on the way back the answer.</summary>
    private void Return(long token, Action action)
    {
        if (!Random.Chance(MayLose ? 10 : 0))
        {
            _world.After(100 + Random.Next(1_000), () => IfCurrent(token, action));
        }
    }

    /// <summary>Who waits for what was lost asks nothing meanwhile.</summary>
    private bool MayLose => !_world.IsHealed && _profile.AbsentForSlots == 0;

    private int AnyTimeoutMs() => Random.Chance(100)
        ? 20 + Random.Next(_profile.TimeoutMaxMs / 5)
        : (_profile.TimeoutMaxMs / 5) + Random.Next(_profile.TimeoutMaxMs);

    private void IfCurrent(long token, Action action)
    {
        if (token == _token)
        {
            action();
        }
    }

    private void ReadAnswered(SimReadAnswer? answer)
    {
        if (answer is not SimReadAnswer found)
        {
            NothingDone();
            return;
        }

        if (_world.IsTracing)
        {
            TraceRead(found);
        }

        _world.Checker.ReadEnded(Op!, found);
        _world.History.ReadEnded(Op!, found);
        Read = found.IsTooOld ? null : found;
        Think();
    }

    private void WriteAnswered(SimAttempt attempt, CommandResult result)
    {
        if (result.Code is KvStatus.NotLeader or KvStatus.NoLeader)
        {
            Target = attempt.LeaderHint?.Value ?? Random.Next(_profile.AllNodes);
            NothingDone();
            return;
        }

        if (result.Code == KvStatus.OutcomeUnknown)
        {
            Unknown();
            return;
        }

        _world.Checker.WriteEnded(attempt, result);
        if (result.Code == KvStatus.Ok)
        {
            _world.History.WriteEnded(attempt.Op, result.Version.Value);
        }

        Written = result;
        Think();
    }

    /// <summary>Nothing was done: it may be tried again, by anybody.</summary>
    private void NothingDone()
    {
        _token++;
        if (_attempts >= MaxAttempts && !Op!.MustSucceed)
        {
            Think();
            return;
        }

        if (Op!.At is int at && _world.Nodes[at].IsGone)
        {
            // Nobody will ever be there again.
            Think();
            return;
        }

        if (_attempts > 1 && Op!.At is null)
        {
            Target = Random.Chance(500) ? Target : Random.Next(_profile.AllNodes);
        }

        long token = _token;
        _world.After((2 + Random.Next(20)) * SimProfile.Millisecond, () => IfCurrent(token, Send));
    }

    /// <summary>No answer: the write may have happened, or may yet.</summary>
    private void Unknown()
    {
        Target = Op!.At ?? Random.Next(_profile.AllNodes);
        bool mayResend = Op.IsRead || Op.Identity is not null || Op.MustSucceed;
        if (mayResend)
        {
            NothingDone();
        }
        else
        {
            Think();
        }
    }

    private void Think()
    {
        _token++;
        if (_pipeline is not null)
        {
            _pipeline.Ended();
            _pipeline.Wait(this);
            return;
        }

        _world.After(1 + Random.Next(_profile.ThinkMaxMs * 1_000), () => NextOp(null));
    }

    private void TraceRead(in SimReadAnswer found) => _world.Trace(
        $"client-{_id} {Op} saw {Describe(found)} version {found.Version} at slot {found.AppliedSlot} on {found.Node}");

    private static string Describe(in SimReadAnswer answer) => answer.IsTooOld
        ? "that it is too old,"
        : answer.Rows is null ? answer.Value ?? "nothing" : string.Join(' ', answer.Rows.Values);
}
