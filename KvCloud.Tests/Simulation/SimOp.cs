using KvCloud.Consensus;
using KvCloud.Node.State;
using KvCloud.Protocol;

namespace KvCloud.Tests.Simulation;

internal enum SimOpKind
{
    OpenSession = 0,
    Set = 1,
    Delete = 2,
    Commit = 3,
    Read = 4,

    /// <summary>The newest version that a later read anywhere must see.</summary>
    GetReadVersion = 5,

    /// <summary>One key at a version, on any replica.</summary>
    SnapshotRead = 6,

    /// <summary>The keys from the first to the last one named, at a version, on any replica.</summary>
    SnapshotRange = 7,
}

/// <summary>Names a request for exactly-once: however often it is sent, it runs once.</summary>
internal readonly record struct SimIdentity(long Session, long Sequence, long AcknowledgedBelow);

/// <summary>What a client wants done, from its first attempt to its answer.</summary>
internal sealed record SimOp(int Id, SimOpKind Kind)
{
    /// <summary>What a write writes (or deletes), and a read reads.</summary>
    public IReadOnlyList<string> Keys { get; init; } = [];

    public IReadOnlyList<string> ConflictKeys { get; init; } = [];

    /// <summary>What is written to each of the keys; where this is null, <see cref="Value"/> to all.</summary>
    public IReadOnlyList<string>? Values { get; init; }

    /// <summary>Of a commit: the version at which it has read. Of a snapshot read: the version to read at.</summary>
    public long ReadVersion { get; init; }

    public SimIdentity? Identity { get; init; }

    public ReadLevel Level { get; init; }

    /// <summary>The node a read must be served by; null for any.</summary>
    public int? At { get; init; }

    /// <summary>Only a success will do: tried until it succeeds.</summary>
    public bool MustSucceed { get; init; }

    /// <summary>Sent once more after it was answered: it must be answered the same, and took effect long ago.</summary>
    public bool IsAnsweredBefore { get; init; }

    /// <summary>A slot that some operation answered before this one began had seen: this one must not see less.</summary>
    public Slot Floor { get; init; }

    /// <summary>When its request was sent, at the last attempt.</summary>
    public long SentUs { get; init; }

    /// <summary>The newest version that anybody had been told of when this began: of the key read, or of all.</summary>
    public long KnownVersion { get; init; }

    public bool IsRead => Kind >= SimOpKind.Read;

    public bool IsLinearizable => Kind is SimOpKind.Read or SimOpKind.GetReadVersion && Level != ReadLevel.Local;

    /// <summary>Unique to this operation, so that a value tells who wrote it.</summary>
    public string Value => $"v{Id}";

    public string ValueOf(int index) => Values is null ? Value : Values[index];

    public override string ToString() => Kind switch
    {
        SimOpKind.Read => $"op{Id} read {Keys[0]} at level {Level}",
        SimOpKind.GetReadVersion => $"op{Id} read version at level {Level}",
        SimOpKind.SnapshotRead or SimOpKind.SnapshotRange =>
            $"op{Id} {Kind} {string.Join('-', Keys)} at version {ReadVersion}",
        _ => $"op{Id} {Kind} {string.Join('+', Keys)}"
            + (Identity is SimIdentity id ? $" #{id.Session}.{id.Sequence}" : ""),
    };
}

/// <summary>One sending of a write to one node. It takes effect once or not at all.</summary>
internal sealed class SimAttempt(int number, SimOp op, Action<SimAttempt, CommandResult> onAnswer)
{
    public int Number => number;

    public SimOp Op => op;

    /// <summary>The client was told that this attempt did nothing and never will.</summary>
    public bool IsRefused { get; private set; }

    public NodeId? LeaderHint { get; private set; }

    public void Answer(SimWorld world, CommandResult result)
    {
        if (world.IsTracing)
        {
            world.Trace($"answer   {op} attempt {number}: {result.Code} version {result.Version}");
        }

        world.Checker.Answered(this, result);
        onAnswer(this, result);
    }

    public void Refuse(SimWorld world, NodeId? leader)
    {
        IsRefused = true;
        LeaderHint = leader;
        world.Checker.Refused(this);
        onAnswer(this, new CommandResult(leader is null ? ErrorCode.NO_LEADER : ErrorCode.NOT_LEADER));
    }

    /// <summary>It may have happened, or may yet.</summary>
    public void LeaveUnknown() => onAnswer(this, new CommandResult(ErrorCode.OUTCOME_UNKNOWN));
}
