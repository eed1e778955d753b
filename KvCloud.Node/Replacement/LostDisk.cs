using KvCloud.Node.Configuration;
using KvCloud.Node.Replication;
using KvCloud.Node.Storage;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Replacement;

/// <summary>
/// Notices that this replica's disk was lost, and takes another id: the directory is empty, a majority of the voters
/// knows another one, each by its own word, and the leader hears nobody else in the place.
/// </summary>
/// <param name="introduce">Has the transport call these members.</param>
/// <param name="restart">See <see cref="GroupRequest"/>.</param>
/// <param name="removed">The id was removed, and no other is to be taken: ends the process.</param>
internal sealed class LostDisk(
    NodeTopology topology,
    ReplicaStorage storage,
    Bootstrap bootstrap,
    IGroupCalls group,
    Action<IReadOnlyList<SeenMember>> introduce,
    Action restart,
    Action removed,
    TimeProvider time,
    ILogger<LostDisk> logger)
    : GroupRequest(storage.Directory, restart, time, logger)
{
    private readonly DirectoryRefusals _refusals = new();

    protected override string? Situation => _refusals.Any
        ? $"the data directory is empty, and the group seems to know another one of replica {topology.SelfId}"
        : null;

    protected override bool IsWanted => topology.Ids is { IsReplacement: false, Spare.Count: > 0 }
        && !bootstrap.IsFormed && storage.IsEmpty;

    /// <summary>False where the refusal means what it means without replacement ids.</summary>
    public bool TryHandle(int peer, PeerRefusal refusal)
    {
        if (IsWanted)
        {
            _refusals.Note(peer, refusal);
            return true;
        }

        return false;
    }

    protected override async Task<bool> GoOnAsync(CancellationToken stoppingToken)
    {
        IReadOnlyList<SeenMember> members = await group.MembersAsync(stoppingToken);
        introduce(members);
        int[] voters = [.. members.Where(member => member.IsVoter).Select(member => member.Id)];
        int refusing = _refusals.CountOf(voters);
        if (refusing <= voters.Length / 2)
        {
            throw new GroupCallException($"{refusing} of {voters.Length} voters have said so: a majority decides");
        }

        IdPlan plan = ReplacementPlan.ChooseId(topology.Ids, members);
        switch (plan.Step)
        {
            case PlanStep.Go when IsWanted:
                TakeId(plan.Replaced!.Value, plan.Id);
                return false;
            case PlanStep.NoPlace or PlanStep.NoIdLeft when _refusals.SayRemoved:
                removed();
                return false;
            case PlanStep.StillAnswers:
                throw StillHeard(plan.Replaced);
            case PlanStep.NoIdLeft:
                throw new GroupCallException(
                    "deployment.replacement_ids has no id left: put another replica in its place (kv member replace)");
            default:
                throw new GroupCallException("the group has no voter of this place");
        }
    }
}
