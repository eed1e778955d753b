using System.Globalization;
using System.Net;
using KvCloud.Cli.Cluster;
using KvCloud.Monitoring;

namespace KvCloud.Cli.Doctor;

/// <summary>Whether the cluster has a majority and a leader, and how much it can lose.</summary>
internal static class QuorumRules
{
    /// <summary>Catching up takes a learner minutes; one that has caught up for longer was forgotten.</summary>
    public static readonly TimeSpan LearnerGracePeriod = TimeSpan.FromMinutes(10);

    public static IEnumerable<Finding> Leadership(ClusterFacts facts)
    {
        ClusterReport now = facts.Now;
        if (now.Answering < now.Majority)
        {
            yield return new Finding(
                Severity.Error,
                "quorum-lost",
                Finding.Cluster,
                $"{now.Answering} of {now.Voters.Count} voters answer, and {now.Majority} are needed: nothing can be"
                + " written, and nothing read but what a replica has",
                "start the replicas that are away, or mend the network to them; only if they are gone for good, make a"
                + " new cluster of those that remain: kv recover plan",
                Pages.QuorumLost);
        }
        else if (now.Leader is null)
        {
            yield return new Finding(
                Severity.Error,
                "no-leader",
                Finding.Cluster,
                $"{now.Answering} of {now.Voters.Count} voters answer, which are enough, and none of them leads",
                "run kv doctor again in a second: an election takes that long. If it stays so, the voters do not reach"
                + " each other at their peer ports, or their disks stall: kv status says what each of them lacks",
                Pages.NoLeader);
        }
    }

    public static IEnumerable<Finding> Members(ClusterFacts facts)
    {
        foreach (MemberReport member in facts.Now.Members.Where(member => !member.Answers))
        {
            int spare = facts.Now.Answering - facts.Now.Majority;
            string margin = member.IsLearner ? "It has no vote."
                : spare > 0 ? $"The cluster can lose {spare} more."
                : spare == 0 ? "The cluster can lose no other voter."
                : "The cluster has no majority.";
            yield return new Finding(
                member.IsLearner ? Severity.Warning : Severity.Error,
                "member-unreachable",
                Finding.Node(member.Id),
                $"{member.Trouble}. {margin}",
                $"look at its process and its log on {HostOf(member.Known.Endpoint)}, and start it again. Gone for"
                + $" good: kv member replace {Number(member.Id)} NEW --peer HOST:PORT",
                Pages.ReplicaDown);
        }
    }

    public static IEnumerable<Finding> VotersInNumber(ClusterFacts facts)
    {
        int voters = facts.Now.Voters.Count;
        if (voters == 1)
        {
            yield return new Finding(
                Severity.Warning,
                "single-voter",
                Finding.Cluster,
                "there is one voter: when it is away nothing works, and when its disk is lost all is",
                "add two more: kv member add, then kv member promote",
                Pages.Members);
        }
        else if (voters % 2 == 0)
        {
            yield return new Finding(
                Severity.Warning,
                "even-voters",
                Finding.Cluster,
                $"{voters} voters need {facts.Now.Majority} to agree, so they can lose"
                + $" {voters - facts.Now.Majority}, as {voters - 1} could",
                $"add a voter (kv member add, then promote), or take one away: kv member demote ID",
                Pages.Members);
        }
    }

    public static IEnumerable<Finding> VotersOnOneMachine(ClusterFacts facts)
    {
        foreach (IGrouping<string, MemberReport> machine in facts.Now.Voters
            .GroupBy(member => HostOf(member.Known.Endpoint))
            .Where(machine => !IsLoopback(machine.Key)))
        {
            if (facts.Now.Voters.Count > 1 && facts.Now.Voters.Count - machine.Count() < facts.Now.Majority)
            {
                yield return new Finding(
                    Severity.Warning,
                    "voters-on-one-machine",
                    Finding.Cluster,
                    $"{machine.Count()} of {facts.Now.Voters.Count} voters are on {machine.Key}: without that machine"
                    + " there is no majority",
                    "move voters to other machines: kv member replace OLD NEW --peer HOST:PORT",
                    Pages.Members);
            }
        }
    }

    public static IEnumerable<Finding> Learners(ClusterFacts facts) => facts.Now.Members
        .Where(member => member is { IsLearner: true, Answers: true }
            && member.Own!.Uptime > LearnerGracePeriod
            && facts.Now.LagOf(member) <= AgreementRules.MostLag)
        .Select(member => new Finding(
            Severity.Warning,
            "learner-not-promoted",
            Finding.Node(member.Id),
            "it has no vote, and has had all data for minutes: it makes nothing safer",
            $"give it a vote: kv member promote {Number(member.Id)}; or remove it: kv member remove"
            + $" {Number(member.Id)}",
            Pages.Members));

    /// <summary>Links between members that both answer here.</summary>
    public static IEnumerable<Finding> Links(ClusterFacts facts)
    {
        foreach (NodeFacts node in facts.Nodes.Where(node => node.Status is not null))
        {
            foreach (LinkStatus link in node.Status!.Links.Where(link => !link.IsConnected))
            {
                if (facts.Now.Members.FirstOrDefault(member => member.Id == link.Peer) is { Answers: true })
                {
                    yield return new Finding(
                        Severity.Warning,
                        "link-down",
                        Finding.Node(node.Id),
                        $"it does not reach node {Number(link.Peer)}, which answers here"
                        + (link.RefusedReason is { } reason ? $": refused: {reason}" : ""),
                        $"open the peer port of node {Number(link.Peer)} to node {Number(node.Id)}; a refusal names"
                        + " what is to be corrected: certificate, cluster name, voters or release",
                        Pages.Peers);
                }
            }
        }
    }

    private static string HostOf(string endpoint) =>
        endpoint.LastIndexOf(':') is > 0 and int colon ? endpoint[..colon] : endpoint;

    private static bool IsLoopback(string host) =>
        host == "localhost" || (IPAddress.TryParse(host, out IPAddress? address) && IPAddress.IsLoopback(address));

    private static string Number(int id) => id.ToString(CultureInfo.InvariantCulture);
}
