using KvCloud.Consensus;
using KvCloud.Node.State;
using KvCloud.Protocol;

namespace KvCloud.Tests.Simulation;

/// <summary>
/// One client: an operation at a time, sent to whomever it takes for the leader or to anybody. What was refused it sends
/// again; what is unknown only where the operation has an identity, by which it runs once.
/// </summary>
internal sealed class SimClient
{
    private const int MaxAttempts = 12;

    private readonly int _id;
    private readonly SimWorld _world;
    private readonly SimProfile _profile;
    private readonly Queue<SimOp> _script;
    private readonly bool _isScripted;
    private SimOp? _op;
    private long _token;
    private int _attempts;
    private int _target;
    private long _session;
    private long _sequence;
    private long _seenVersion;

    /// <param name="script">What to do, and each until it succeeds; null for a client that makes up its own.</param>
    public SimClient(int id, SimWorld world, SimProfile profile, IEnumerable<SimOp>? script = null)
    {
        _id = id;
        _world = world;
        _profile = profile;
        _isScripted = script is not null;
        _script = new Queue<SimOp>(script ?? []);
    }

    public bool IsStopping { get; set; }

    public bool IsDone { get; private set; }

    private DeterministicRandom Random => _world.Random;

    public void Start() => _world.After(Random.Next(_profile.ThinkMaxMs * 1_000), NextOp);

    private void NextOp()
    {
        if (_isScripted ? _script.Count == 0 : IsStopping)
        {
            IsDone = true;
            return;
        }

        SimOp op = _isScripted ? _script.Dequeue() : MakeUp();
        _op = op with { StartUs = _world.NowUs, Floor = _world.Checker.Floor };
        _attempts = 0;
        _target = op.At ?? (Random.Chance(750) ? _target : Random.Next(_profile.Nodes));
        Send();
    }

    private SimOp MakeUp()
    {
        if (_session == 0 && Random.Chance(500))
        {
            return new SimOp(_world.NextOpId(), SimOpKind.OpenSession);
        }

        string key = AnyKey();
        int kind = Random.Next(100);
        if (kind < 50)
        {
            ReadLevel level = kind < 25 ? ReadLevel.ReadIndex : kind < 42 ? ReadLevel.Leader : ReadLevel.Local;
            return new SimOp(_world.NextOpId(), SimOpKind.Read)
            {
                Keys = [key],
                Level = level,
                At = level == ReadLevel.Leader ? null : Random.Next(_profile.Nodes),
            };
        }

        SimIdentity? identity = _session != 0 && Random.Chance(800)
            ? new SimIdentity(_session, ++_sequence, _sequence)
            : null;
        string other = AnyKey();
        return kind < 75
            ? new SimOp(_world.NextOpId(), SimOpKind.Set) { Keys = [key], Identity = identity }
            : kind < 82
                ? new SimOp(_world.NextOpId(), SimOpKind.Delete) { Keys = [key], Identity = identity }
                : new SimOp(_world.NextOpId(), SimOpKind.Commit)
                {
                    Keys = key == other ? [key] : [key, other],
                    ConflictKeys = [Random.Chance(500) ? key : AnyKey()],
                    ReadVersion = Math.Max(0, _seenVersion - Random.Next(3)),
                    Identity = identity,
                };
    }

    private string AnyKey() => _world.Keys[Random.Next(_world.Keys.Count)];

    private void Send()
    {
        SimOp op = _op!;
        long token = ++_token;
        _attempts++;
        SimNode node = _world.Nodes[_target];
        if (op.Kind == SimOpKind.Read)
        {
            var read = new SimRead(op.Level, op.Keys[0], answer => Return(token, () => ReadAnswered(answer)));
            Go(token, () => node.Read(read));
        }
        else
        {
            var attempt = new SimAttempt(
                _world.NextAttempt(), op, (sent, result) => Return(token, () => WriteAnswered(sent, result)));
            Go(token, () => node.Write(attempt));
        }

        int timeoutMs = 200 + Random.Next(1_000);
        _world.After(timeoutMs * SimProfile.Millisecond, () => IfCurrent(token, Unknown));
    }

    /// <summary>On the way to the node a request may get lost, and there may be nobody there.</summary>
    private void Go(long token, Func<bool> arrive)
    {
        if (Random.Chance(_world.IsHealed ? 0 : 5))
        {
            return;
        }

        _world.After(100 + Random.Next(1_000), () =>
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
        if (!Random.Chance(_world.IsHealed ? 0 : 10))
        {
            _world.After(100 + Random.Next(1_000), () => IfCurrent(token, action));
        }
    }

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

        _world.Trace($"client-{_id} {_op} saw {found.Value ?? "nothing"} version {found.Version} "
            + $"at slot {found.AppliedSlot} on {found.Node}");
        _world.Checker.ReadEnded(_op!, found);
        _world.History.ReadEnded(_op!, found.Version, _world.NowUs);
        _seenVersion = Math.Max(_seenVersion, found.Version);
        Think();
    }

    private void WriteAnswered(SimAttempt attempt, CommandResult result)
    {
        if (result.Code is ErrorCode.NOT_LEADER or ErrorCode.NO_LEADER)
        {
            _target = attempt.LeaderHint?.Value ?? Random.Next(_profile.Nodes);
            NothingDone();
            return;
        }

        _world.Checker.WriteEnded(attempt, result);
        if (result.Code == ErrorCode.OK)
        {
            _seenVersion = Math.Max(_seenVersion, result.Version.Value);
            if (attempt.Op.Kind == SimOpKind.OpenSession)
            {
                _session = result.Version.Value;
                _sequence = 0;
            }
        }

        Think();
    }

    /// <summary>Nothing was done: it may be tried again, by anybody.</summary>
    private void NothingDone()
    {
        _token++;
        if (_attempts >= MaxAttempts && !_op!.MustSucceed)
        {
            Think();
            return;
        }

        if (_attempts > 1 && _op!.At is null)
        {
            _target = Random.Chance(500) ? _target : Random.Next(_profile.Nodes);
        }

        long token = _token;
        _world.After((2 + Random.Next(20)) * SimProfile.Millisecond, () => IfCurrent(token, Send));
    }

    /// <summary>No answer: the write may have happened, or may yet.</summary>
    private void Unknown()
    {
        _target = _op!.At ?? Random.Next(_profile.Nodes);
        bool mayResend = _op.Kind == SimOpKind.Read || _op.Identity is not null || _op.MustSucceed;
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
        _world.After(1 + Random.Next(_profile.ThinkMaxMs * 1_000), NextOp);
    }
}
