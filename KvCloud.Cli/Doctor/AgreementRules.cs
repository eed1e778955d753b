using System.Globalization;
using KvCloud.Cli.Cluster;

namespace KvCloud.Cli.Doctor;

/// <summary>Whether the members agree: on slots, on states, on the release, on settings, on the time.</summary>
internal static class AgreementRules
{
    /// <summary>The default of [cluster] max_lag_slots, above which a node is not ready.</summary>
    public const long MostLag = 1000;

    public static readonly TimeSpan MostSkew = TimeSpan.FromSeconds(1);

    /// <summary>Settings that are rightly another's on each node, or are written in several ways.</summary>
    private static readonly string[] OfOneNode =
    [
        "deployment.instance_id", "deployment.join", "deployment.replica_endpoints", "deployment.feature_level",
        "consensus.endpoints", "database.base_path",
    ];

    private static readonly string[] TablesOfOneNode = ["listen.", "tls.", "logging.", "tracing."];

    public static IEnumerable<Finding> Lag(ClusterFacts facts) => facts.Now.Members
        .Where(member => facts.Now.LagOf(member) > MostLag)
        .Select(member =>
        {
            bool isFetching = facts.Nodes.Any(node => node.Id == member.Id && node.Status?.Snapshot is not null);
            return new Finding(
                isFetching ? Severity.Info : Severity.Warning,
                "lag",
                Finding.Node(member.Id),
                $"it is {Number(facts.Now.LagOf(member)!.Value)} slots behind"
                + (isFetching ? ", and fetches a snapshot of another replica's data" : ""),
                isFetching
                    ? "wait: kv status shows when it has caught up"
                    : "run kv doctor again: where the number falls it catches up. Else its disk, its processor or the"
                        + " network to it is too slow for the writes: kv top shows each node's sync time",
                Pages.Behind);
        });

    public static IEnumerable<Finding> States(ClusterFacts facts)
    {
        foreach (NodeFacts node in facts.Nodes.Where(node => node.Metric("kvcloud_cluster_divergence_total") > 0))
        {
            yield return new Finding(
                Severity.Error,
                "states-differ",
                Finding.Node(node.Id),
                "it has found that another replica's state is not the same as its own at the same slot: one of them has"
                + " wrong data",
                "compare with the third replica which one is wrong, and make its data anew: kv member rebuild ID",
                Pages.Differ);
        }
    }

    public static IEnumerable<Finding> Releases(ClusterFacts facts)
    {
        MemberReport[] answering = [.. facts.Now.Members.Where(member => member.Answers)];
        string[] releases = [.. answering.Select(member => member.Own!.SoftwareVersion ?? "unknown").Distinct()];
        if (releases.Length > 1)
        {
            yield return new Finding(
                Severity.Warning,
                "releases-differ",
                Finding.Cluster,
                "the replicas run different releases: " + string.Join(", ", answering.Select(member =>
                    $"node {Number(member.Id)} {member.Own!.SoftwareVersion ?? "unknown"}")),
                "finish the upgrade: stop, replace and start one replica after the other",
                Pages.Upgrade);
        }
        else if (answering.Length > 0
            && answering.Min(member => member.Own!.SupportedFeatureLevel) is int supported
            && supported > facts.Now.FeatureLevel)
        {
            yield return new Finding(
                Severity.Info,
                "feature-level-held",
                Finding.Cluster,
                $"all replicas support feature level {supported}, and the group is at {facts.Now.FeatureLevel}",
                "nothing, right after an upgrade: it rises a minute after all are connected. Later: a setting"
                + " deployment.feature_level holds it, on purpose or forgotten",
                Pages.Upgrade);
        }
    }

    public static IEnumerable<Finding> Settings(ClusterFacts facts)
    {
        NodeFacts[] told = [.. facts.Nodes.Where(node => node.Settings is not null)];
        if (told.Length < 2)
        {
            yield break;
        }

        foreach (string name in told.SelectMany(node => node.Settings!.Keys).Distinct().Where(MustAgree).Order())
        {
            IGrouping<string, NodeFacts>[] values =
                [.. told.GroupBy(node => node.Settings!.GetValueOrDefault(name, "not set"))];
            if (values.Length > 1)
            {
                yield return new Finding(
                    Severity.Warning,
                    "settings-differ",
                    Finding.Cluster,
                    $"{name} is " + string.Join(", ", values.Select(value =>
                        $"{value.Key} on node {string.Join(" and ", value.Select(node => Number(node.Id)))}")),
                    "give all replicas the same, unless this is meant: kv config check FILE shows what a file makes of"
                    + " it",
                    Pages.Settings);
            }
        }
    }

    /// <summary>Clocks are compared with the median of the members, so that this machine's own may be wrong.</summary>
    public static IEnumerable<Finding> Clocks(ClusterFacts facts)
    {
        (MemberReport Member, TimeSpan Offset, TimeSpan Error)[] offsets =
        [
            .. facts.Now.Members
                .Where(member => member is { Own.LastSeen: not null, RoundTrip: not null })
                .Select(member =>
                {
                    TimeSpan half = member.RoundTrip!.Value / 2;
                    return (member, member.Own!.LastSeen!.Value - (member.AskedAt + half), half);
                })
                .OrderBy(offset => offset.Item2),
        ];
        if (offsets.Length < 2)
        {
            yield break;
        }

        // Of two clocks nobody can say which is wrong: the lower middle one is taken for right.
        TimeSpan middle = offsets[(offsets.Length - 1) / 2].Offset;
        foreach ((MemberReport member, TimeSpan offset, TimeSpan error) in offsets)
        {
            TimeSpan skew = offset - middle;
            if (skew.Duration() - error > MostSkew)
            {
                yield return new Finding(
                    Severity.Warning,
                    "clock-skew",
                    Finding.Node(member.Id),
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"its clock is {skew.Duration().TotalSeconds:0.0} s"
                        + $" {(skew > TimeSpan.Zero ? "ahead of" : "behind")} the others'"),
                    "have NTP set the clocks of all machines: while this node leads, versions are kept, and tokens"
                    + " expire, by its time",
                    Pages.Health);
            }
        }
    }

    private static bool MustAgree(string name) =>
        !OfOneNode.Contains(name)
        && !TablesOfOneNode.Any(table => name.StartsWith(table, StringComparison.Ordinal));

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
