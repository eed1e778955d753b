using KvCloud.Consensus;

namespace KvCloud.Tests.Simulation;

/// <summary>What a quorum is, told as plainly as can be and without the code under test.</summary>
internal static class SimQuorum
{
    /// <summary>
    /// Whether those that count are a majority of the voters and, of joint members, of the outgoing too.
    /// </summary>
    public static bool IsIn(GroupMembers members, Func<NodeId, bool> counts)
    {
        return HasMajority(member => member.IsVoter) && (!members.IsJoint || HasMajority(member => member.IsOutgoing));

        bool HasMajority(Func<GroupMember, bool> belongs)
        {
            GroupMember[] voters = [.. members.Members.Where(belongs)];
            return 2 * voters.Count(voter => counts(voter.Id)) > voters.Length;
        }
    }
}
