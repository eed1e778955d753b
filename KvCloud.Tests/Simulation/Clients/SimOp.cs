using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.State;

namespace KvCloud.Tests.Simulation;

internal enum SimOpKind
{
    OpenSession = 0,
    Set = 1,
    Delete = 2,
    Commit = 3,

    /// <summary>Makes <see cref="SimOp.Family"/>, without which its keys are not there.</summary>
    CreateFamily = 4,

    /// <summary>A user gets or loses a right.</summary>
    ChangeAccess = 5,
    Read = 6,

    /// <summary>The newest values of the keys from the first to the last one named.</summary>
    Range = 7,

    /// <summary>The newest version that a later read anywhere must see.</summary>
    GetReadVersion = 8,

    /// <summary>One key at a version, on any replica.</summary>
    SnapshotRead = 9,

    /// <summary>The keys from the first to the last one named, at a version, on any replica.</summary>
    SnapshotRange = 10,
}

/// <summary>Names a request for exactly-once: however often it is sent, it runs once.</summary>
internal readonly record struct SimIdentity(long Session, long Sequence, long AcknowledgedBelow);

/// <summary>What a client wants done, from its first attempt to its answer.</summary>
internal sealed record SimOp(int Id, SimOpKind Kind)
{
    /// <summary>The one column family besides the default one. Its keys begin with its name.</summary>
    public const string Family = "cf";

    /// <summary>What a write writes (or deletes), and a read reads.</summary>
    public IReadOnlyList<string> Keys { get; init; } = [];

    public IReadOnlyList<string> ConflictKeys { get; init; } = [];

    /// <summary>What a commit has read besides: all from the first to the last, both included; null for none.</summary>
    public (string First, string Last)? ConflictRange { get; init; }

    /// <summary>Each value gets the version of its commit and its place in it appended.</summary>
    public bool IsStamped { get; init; }

    /// <summary>How much longer than it must be a value is; less than 0 for an empty one.</summary>
    public int PaddingBytes { get; init; }

    /// <summary>What is written to each of the keys; where this is null, <see cref="Value"/> to all.</summary>
    public IReadOnlyList<string>? Values { get; init; }

    /// <summary>Of a commit: the version at which it has read. Of a snapshot read: the version to read at.</summary>
    public long ReadVersion { get; init; }

    public SimIdentity? Identity { get; init; }

    /// <summary>The user who asks for a write; null where rights do not matter.</summary>
    public string? Principal { get; init; }

    /// <summary>Of a change of rights.</summary>
    public SimAccessChange? Access { get; init; }

    public ReadLevel Level { get; init; }

    /// <summary>The node a read must be served by; null for any.</summary>
    public int? At { get; init; }

    /// <summary>Only a success will do: tried until it succeeds.</summary>
    public bool MustSucceed { get; init; }

    /// <summary>Sent once more after it was answered: it must be answered the same, and took effect long ago.</summary>
    public bool IsAnsweredBefore { get; init; }

    /// <summary>
    /// A slot that some operation answered before this one began had seen: this one must not see less.
    /// </summary>
    public Slot Floor { get; init; }

    /// <summary>When its request was sent, at the last attempt.</summary>
    public long SentUs { get; init; }

    /// <summary>The newest version that anybody had been told of when this began: of the key read, or of all.</summary>
    public long KnownVersion { get; init; }

    public bool IsRead => Kind >= SimOpKind.Read;

    public bool IsLinearizable =>
        Kind is SimOpKind.Read or SimOpKind.Range or SimOpKind.GetReadVersion && Level != ReadLevel.Local;

    /// <summary>Unique to this operation, so that a value tells who wrote it.</summary>
    public string Value => $"v{Id}";

    public string ValueOf(int index) => Values is not null ? Values[index]
        : PaddingBytes < 0 ? "" : Value + new string('.', PaddingBytes);

    public override string ToString() => Kind switch
    {
        SimOpKind.Read or SimOpKind.Range => $"op{Id} {Kind} {string.Join('-', Keys)} at level {Level}",
        SimOpKind.ChangeAccess => $"op{Id} {Access}",
        SimOpKind.GetReadVersion => $"op{Id} read version at level {Level}",
        SimOpKind.SnapshotRead or SimOpKind.SnapshotRange =>
            $"op{Id} {Kind} {string.Join('-', Keys)} at version {ReadVersion}",
        _ => $"op{Id} {Kind} {string.Join('+', Keys)}"
            + (Identity is SimIdentity id ? $" #{id.Session}.{id.Sequence}" : "")
            + (Principal is null ? "" : $" by {Principal}"),
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
        onAnswer(this, new CommandResult(leader is null ? KvStatus.NoLeader : KvStatus.NotLeader));
    }

    /// <summary>It may have happened, or may yet.</summary>
    public void LeaveUnknown() => onAnswer(this, new CommandResult(KvStatus.OutcomeUnknown));
}
