using KvCloud.Node.Configuration;
using KvCloud.Node.Replication;
using KvCloud.Node.Storage;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Replacement;

/// <summary>
/// A replica that goes on under another id since its disk was lost asks the group to be put in the place of the lost
/// one, as <c>kv member replace</c> does, and never by force.
/// </summary>
/// <param name="introduce">Has the transport call these members.</param>
/// <param name="restart">See <see cref="GroupRequest"/>.</param>
internal sealed class PlaceRequest(
    NodeTopology topology,
    DataDirectory directory,
    Func<ReplicaStatus> status,
    IGroupCalls group,
    Action<IReadOnlyList<SeenMember>> introduce,
    Action restart,
    TimeProvider time,
    ILogger<PlaceRequest> logger)
    : GroupRequest(directory, restart, time, logger)
{
    private readonly ReplacementIds _ids = topology.Ids;
    private volatile int _lost = topology.Ids.First;
    private volatile bool _isSpent;
    private MemberChange? _asked;

    protected override string? Situation =>
        $"the disk of replica {_lost} was lost; this is replica {_ids.Own} now, a learner; asks the group to be put in"
        + " its place";

    protected override bool IsWanted => _ids.IsReplacement && !IsVoter;

    private bool IsVoter => status() is var now && now.Members.Find(now.Self) is { IsVoter: true };

    private int? NextId => _ids.Spare.SkipWhile(id => id != _ids.Own).Skip(1).Cast<int?>().FirstOrDefault();

    /// <summary>
    /// The id was removed before this replica was ever a member: it was taken and lost before, so the next is taken.
    /// False where the refusal means what it means without replacement ids.
    /// </summary>
    public bool TryHandle(PeerRefusal refusal)
    {
        if (refusal == PeerRefusal.Removed && _ids.IsReplacement && NextId is not null
            && status() is { ChosenSlot.Value: 0, Members.Slot.Value: 0 })
        {
            _isSpent = true;
            return true;
        }

        return false;
    }

    protected override async Task<bool> GoOnAsync(CancellationToken stoppingToken)
    {
        if (_isSpent)
        {
            TakeId(_ids.Own, NextId!.Value);
            return false;
        }

        IReadOnlyList<SeenMember> members = await group.MembersAsync(stoppingToken);
        introduce(members);
        ChangePlan plan = ReplacementPlan.NextChange(
            _ids, members, topology.PeerAddress, topology.Self.ClientEndpoint);
        _lost = plan.Replaced ?? _lost;
        switch (plan.Step)
        {
            case PlanStep.Done:
                break;
            case PlanStep.Go:
                MemberChange change = plan.Change!;
                if (_asked != change)
                {
                    _asked = change;
                    logger.AsksForChange(Describe(change));
                }

                await group.ChangeAsync(change, stoppingToken);
                if (change.Kind != MemberAction.Replace)
                {
                    return true;
                }

                break;
            case PlanStep.StillAnswers:
                throw StillHeard(plan.Replaced);
            default:
                throw new GroupCallException(
                    "the group has no voter of this place any more: kv member add and promote, if it is wanted");
        }

        logger.HasPlace(_ids.Own);
        return false;
    }

    private static string Describe(MemberChange change) => change.Kind switch
    {
        MemberAction.Add => $"add {change.Node} at {change.PeerEndpoint}",
        MemberAction.Replace => $"replace {change.Replaced} by {change.Node}",
        _ => $"remove {change.Node}, a learner that was lost too",
    };
}
