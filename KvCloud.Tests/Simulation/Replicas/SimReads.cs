using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication;
using KvCloud.Node.Routing;
using KvCloud.Node.Storage;

namespace KvCloud.Tests.Simulation;

internal enum ReadLevel
{
    Local = 0,
    Leader = 1,
    ReadIndex = 2,
}

/// <summary>One read on its way: what it asks, and whom to tell. The answer is null when nothing was read.</summary>
internal sealed record SimRead(SimOp Op, Action<SimReadAnswer?> Answer);

/// <summary>What a read saw, and how far the store that it looked into had applied.</summary>
/// <param name="Version">The version of the value; of a read version, the version itself.</param>
internal readonly record struct SimReadAnswer(NodeId Node, string? Value, long Version, Slot AppliedSlot)
{
    /// <summary>What a range read saw.</summary>
    public IReadOnlyDictionary<string, string>? Rows { get; init; }

    /// <summary>It saw nothing: its version had left the window.</summary>
    public bool IsTooOld { get; init; }
}

/// <summary>
/// The reads of one start of a node, in the place of the clients' connections: routed by the production router.
/// </summary>
internal sealed class SimReads(SimNode node, SimWorld world, RoutingManager routing)
{
    private readonly SimWorld _world = world;

    /// <summary>A thread that may read looks into the store this much later at most.</summary>
    private const int MaxLookUs = 300;

    public void Add(SimRead read, int timeoutMs)
    {
        ReadRequest request = RequestOf(read.Op);
        if (routing.TryAdmit(request, out ReadAdmission admission, out ReadWait wait, out Slot slot))
        {
            Count(read.Op, wait, admission);
            Conclude(read, admission);
        }
        else if (IsSkipped(wait))
        {
            Look(read);
        }
        else
        {
            long deadlineMs = routing.WaitDeadlineMs(wait, node.Clock.NowMs + timeoutMs);
            routing.Wait(new Waiting(this, read, wait) { DeadlineMs = deadlineMs }, request, wait, slot);
        }
    }

    private static ReadRequest RequestOf(SimOp op) => op.Kind is SimOpKind.SnapshotRead or SimOpKind.SnapshotRange
        ? new ReadRequest(null, AtVersion: new CommitVersion(op.ReadVersion))
        : new ReadRequest(op.Level switch
        {
            ReadLevel.Local => ReadConsistency.Local,
            ReadLevel.Leader => ReadConsistency.Leader,
            _ => ReadConsistency.ReadIndex,
        });

    private bool IsSkipped(ReadWait wait) => _world.Sabotage switch
    {
        Sabotage.LeaderReadsBeforeApplied => wait == ReadWait.Applied,
        Sabotage.SnapshotReadsBeforeApplied => wait == ReadWait.Version,
        Sabotage.LocalReadsWithoutFreshness => wait == ReadWait.Fresh,
        _ => false,
    };

    private void Count(SimOp op, ReadWait wait, in ReadAdmission admission)
    {
        if (admission.Code == KvStatus.Ok && wait == ReadWait.Applied)
        {
            _world.Reached.LeaseReads++;
        }
        else if (admission.Code == KvStatus.Ok && op.Level == ReadLevel.Local && op.Kind == SimOpKind.Read)
        {
            _world.Reached.LocalReads++;
        }
    }

    private void Conclude(SimRead read, in ReadAdmission admission)
    {
        switch (admission.Code)
        {
            case KvStatus.Ok:
                node.Later(_world.Random.Next(MaxLookUs), () => Look(read));
                break;
            case KvStatus.VersionInFuture:
                throw new SimFailureException(
                    $"{node.Self} answers {read.Op} with {admission.Code}: {admission.Message}; somebody was told of"
                    + " it");
            case KvStatus.Corruption when node.HasUnsoundData:
                _world.Reached.DamagedReads++;
                read.Answer(null);
                break;
            case KvStatus.NotLeader or KvStatus.NoLeader or KvStatus.Timeout or KvStatus.TooStale:
                _world.Reached.ExpiredCalls += admission.Code == KvStatus.Timeout ? 1 : 0;
                read.Answer(null);
                break;
            default:
                throw new SimFailureException(
                    $"{node.Self} answers {read.Op} with {admission.Code}: {admission.Message}");
        }
    }

    private void Look(SimRead read)
    {
        SimReadAnswer answer;
        try
        {
            answer = node.Look(read.Op);
        }
        catch (StoreCorruptException) when (node.HasUnsoundData)
        {
            _world.Reached.DamagedReads++;
            read.Answer(null);
            return;
        }

        _world.Checker.Saw(node, read.Op, answer);
        read.Answer(answer);
    }

    private sealed class Waiting(SimReads owner, SimRead read, ReadWait wait) : RoutedRead
    {
        private bool _isDone;

        public override void Confirmed(Slot readIndex)
        {
            if (owner._world.Sabotage is Sabotage.ReadsBeforeIndexApplied)
            {
                _isDone = true;
                owner.Look(read);
            }
        }

        protected override void Admitted(in ReadAdmission admission, Slot readIndex)
        {
            if (_isDone)
            {
                return;
            }

            if (admission.Code == KvStatus.Ok)
            {
                owner._world.Reached.ReadIndexReads += wait == ReadWait.Applied ? 0 : 1;
                owner._world.Reached.LeaseReads += wait == ReadWait.Applied ? 1 : 0;
            }

            owner.Conclude(read, admission);
        }
    }
}
