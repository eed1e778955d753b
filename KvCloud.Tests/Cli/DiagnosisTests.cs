using KvCloud.Cli.Cluster;
using KvCloud.Cli.Doctor;
using KvCloud.Client;
using KvCloud.Monitoring;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Cli;

public sealed class DiagnosisTests
{
    private static readonly DateTimeOffset At = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Of_a_healthy_cluster_finds_nothing_that_needs_an_act()
    {
        IReadOnlyList<Finding> findings = Diagnosis.Of(Facts(Node(0, leads: true), Node(1), Node(2)));

        Assert.Equal(["backup-not-examined"], findings.Select(finding => finding.Code));
        Assert.All(findings, finding => Assert.Equal(Severity.Info, finding.Severity));
    }

    [Fact]
    public void Of_a_member_that_is_away_names_it_and_what_the_cluster_can_still_lose()
    {
        Finding finding = Only("member-unreachable", Node(0, leads: true), Node(1), Away(2));

        Assert.Equal((Severity.Error, "node 2"), (finding.Severity, finding.Where));
        Assert.Contains("can lose no other voter", finding.What, StringComparison.Ordinal);
        Assert.Contains("kv member replace 2 NEW", finding.Do, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_a_minority_says_that_the_quorum_is_lost_first()
    {
        IReadOnlyList<Finding> findings = Diagnosis.Of(Facts(Node(0), Away(1), Away(2)));

        Assert.Equal("quorum-lost", findings[0].Code);
        Assert.Contains("1 of 3 voters answer, and 2 are needed", findings[0].What, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_a_majority_without_a_leader_says_so() =>
        Assert.Equal(Severity.Error, Only("no-leader", Node(0), Node(1), Node(2)).Severity);

    [Fact]
    public void Of_voters_in_number_two_or_one_proposes_others()
    {
        Only("even-voters", Node(0, leads: true), Node(1));
        Only("single-voter", Node(0, leads: true));
    }

    [Fact]
    public void Of_voters_whose_majority_is_on_one_machine_warns_but_not_of_this_one()
    {
        Only(
            "voters-on-one-machine",
            Node(0, leads: true, host: "a"), Node(1, host: "a"), Node(2, host: "b"));
        None("voters-on-one-machine", Node(0, leads: true), Node(1), Node(2));
    }

    [Fact]
    public void Of_a_learner_that_has_everything_for_long_proposes_its_vote()
    {
        Finding finding = Only("learner-not-promoted", Node(0, leads: true), Node(1), Node(2), Node(3, learner: true));
        Assert.Contains("kv member promote 3", finding.Do, StringComparison.Ordinal);
        None(
            "learner-not-promoted",
            Node(0, leads: true), Node(1), Node(2), Node(3, learner: true, uptime: TimeSpan.FromMinutes(1)));
    }

    [Fact]
    public void Of_a_replica_that_lags_behind_the_newest_slot_of_all_gives_the_number()
    {
        Finding finding = Only("lag", Node(0, leads: true, slot: 5000), Node(1, slot: 5000), Node(2, slot: 100));

        Assert.Contains("4900 slots behind", finding.What, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_releases_and_settings_that_differ_names_who_has_which()
    {
        Assert.Contains(
            "node 1 0.2",
            Only("releases-differ", Node(0, leads: true), Node(1, release: "0.2"), Node(2)).What,
            StringComparison.Ordinal);

        NodeFacts[] nodes =
        [
            Node(0, leads: true) with { Settings = Settings("250", "0") },
            Node(1) with { Settings = Settings("400", "1") },
            Node(2) with { Settings = Settings("400", "2") },
        ];
        Finding finding = Only("settings-differ", nodes);
        Assert.Equal("limits.max_connections is 250 on node 0, 400 on node 1 and 2", finding.What);
    }

    [Fact]
    public void Of_a_clock_that_differs_from_the_median_names_the_node()
    {
        Finding finding = Only(
            "clock-skew", Node(0, leads: true), Node(1, clock: TimeSpan.FromSeconds(-4)), Node(2));

        Assert.Equal("node 1", finding.Where);
        Assert.Contains("4.0 s behind the others'", finding.What, StringComparison.Ordinal);

        // All nodes agree with each other, and this machine's clock is wrong.
        var off = TimeSpan.FromMinutes(5);
        None("clock-skew", Node(0, leads: true, clock: off), Node(1, clock: off), Node(2, clock: off));
    }

    [Theory]
    [InlineData("kvcloud_disk_space", 1, "disk-low", Severity.Warning)]
    [InlineData("kvcloud_disk_space", 2, "disk-full", Severity.Error)]
    [InlineData("kvcloud_disk_slow", 1, "disk-slow", Severity.Warning)]
    [InlineData("kvcloud_data_state", 1, "data-damaged", Severity.Error)]
    [InlineData("kvcloud_data_state", 2, "data-replaced", Severity.Warning)]
    [InlineData("kvcloud_cluster_divergence_total", 1, "states-differ", Severity.Error)]
    [InlineData("kvcloud_tls_certificate_expiry_seconds", 2_000_000, "certificate-ends", Severity.Warning)]
    [InlineData("kvcloud_tls_certificate_expiry_seconds", -5, "certificate-ends", Severity.Error)]
    [InlineData("kvcloud_tls_ca_expiry_seconds", 300_000, "ca-ends", Severity.Error)]
    public void Of_a_metric_beyond_its_bound_names_the_node(
        string metric, double value, string code, object severity)
    {
        Finding finding = Only(code, Node(0, leads: true), Node(1), Node(2) with
        {
            Metrics = [new MetricSample(metric, new Dictionary<string, string>(), value)],
        });

        Assert.Equal(("node 2", severity), (finding.Where, finding.Severity));
    }

    [Fact]
    public void Of_a_scrub_that_has_not_ended_a_round_in_two_intervals_says_how_far_it_is()
    {
        Finding late = Only("scrub-late", Scrubbed(hoursAgo: 50, ("kvcloud_scrub_progress", 0.25)));
        Assert.Equal((Severity.Warning, "node 0"), (late.Severity, late.Where));
        Assert.Contains("50 hours ago", late.What, StringComparison.Ordinal);
        Assert.Contains("25 % done", late.Do, StringComparison.Ordinal);

        Finding never = Only("scrub-late", Scrubbed(null, ("kvcloud_replica_uptime_seconds", 49 * 3_600)));
        Assert.Contains("not once in the 49 hours", never.What, StringComparison.Ordinal);
        Assert.Contains("no round is under way", never.Do, StringComparison.Ordinal);

        None("scrub-late", Scrubbed(hoursAgo: 47), Scrubbed(null));
        None("scrub-late", Scrubbed(hoursAgo: 50, ("kvcloud_data_state", 1)));
    }

    [Fact]
    public void Of_a_scrub_the_intervals_are_those_of_the_nodes_own_setting()
    {
        None("scrub-late", Scrubbed(hoursAgo: 50) with { Settings = Scrub("48", "4194304") });
        Assert.Contains(
            "(1000 now)",
            Only("scrub-late", Scrubbed(hoursAgo: 3) with { Settings = Scrub("1", "1_000") }).Do,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0", "4194304")]
    [InlineData("24", "0")]
    public void Of_a_scrub_that_is_off_says_so_and_nothing_of_its_rounds(string hours, string rate)
    {
        NodeFacts node = Scrubbed(null, ("kvcloud_replica_uptime_seconds", 1e9)) with { Settings = Scrub(hours, rate) };

        Assert.Equal(Severity.Info, Only("scrub-off", node).Severity);
        None("scrub-late", node);
    }

    [Fact]
    public void Of_an_archive_that_is_old_empty_or_damaged_warns()
    {
        var day = TimeSpan.FromDays(1);
        ClusterFacts facts = Facts(Node(0, leads: true), Node(1), Node(2));

        Assert.Equal(
            ["backup-old"], Codes(facts with { Archive = new ArchiveFacts("/a", At - day - day, day, []) }));
        Assert.Equal(["backup-missing"], Codes(facts with { Archive = new ArchiveFacts("/a", null, day, []) }));
        Assert.Equal(["backup-damaged"], Codes(facts with { Archive = new ArchiveFacts("/a", At, day, ["a hole"]) }));
        Assert.Empty(Codes(facts with { Archive = new ArchiveFacts("/a", At, day, []) }));
    }

    [Fact]
    public void Of_a_node_whose_http_does_not_answer_says_that_not_all_was_looked_at() => Assert.Equal(
        Severity.Info,
        Only("not-examined", Node(0, leads: true), Node(1), Node(2) with { HttpError = "refused" }).Severity);

    [Fact]
    public void Pages_of_all_findings_exist_with_their_headings()
    {
        foreach (string page in Pages.All)
        {
            string[] parts = page.Split('#');
            string[] headings =
            [
                .. File.ReadLines(Repository.File(parts[0]))
                    .Where(line => line.StartsWith('#'))
                    .Select(line => line.TrimStart('#').Trim().ToLowerInvariant()
                        .Replace(' ', '-')
                        .Replace(",", "", StringComparison.Ordinal)
                        .Replace(":", "", StringComparison.Ordinal)),
            ];
            Assert.True(parts.Length == 1 || headings.Contains(parts[1]), page);
        }
    }

    private static string[] Codes(ClusterFacts facts) => [.. Diagnosis.Of(facts).Select(finding => finding.Code)];

    private static Finding Only(string code, params NodeFacts[] nodes) =>
        Assert.Single(Diagnosis.Of(Facts(nodes)), finding => finding.Code == code);

    private static void None(string code, params NodeFacts[] nodes) =>
        Assert.DoesNotContain(Diagnosis.Of(Facts(nodes)), finding => finding.Code == code);

    /// <summary>A node whose scrub ended its last round so long ago; null: none since the start.</summary>
    private static NodeFacts Scrubbed(double? hoursAgo, params (string Name, double Value)[] others)
    {
        var values = new Dictionary<string, double>
        {
            ["kvcloud_data_state"] = 0,
            ["kvcloud_replica_uptime_seconds"] = 3_600,
        };
        if (hoursAgo is { } hours)
        {
            values["kvcloud_scrub_last_round_seconds"] = At.AddHours(-hours).ToUnixTimeSeconds();
        }

        foreach ((string name, double value) in others)
        {
            values[name] = value;
        }

        return Node(0, leads: true) with
        {
            Metrics = [.. values.Select(one => new MetricSample(one.Key, new Dictionary<string, string>(), one.Value))],
        };
    }

    private static Dictionary<string, string> Scrub(string hours, string rate) => new()
    {
        ["scrub.interval_hours"] = hours,
        ["scrub.max_bytes_per_second"] = rate,
    };

    private static ClusterFacts Facts(params NodeFacts[] nodes) => new(
        new ClusterReport(
            new KvClusterHealth { Nodes = [.. nodes.Select(node => node.Member.Heard)] },
            [.. nodes.Select(node => node.Member)]),
        nodes,
        At);

    private static NodeFacts Away(int id)
    {
        NodeFacts there = Node(id);
        return there with { Member = there.Member with { Answer = null, Error = "does not answer" } };
    }

    private static NodeFacts Node(
        int id,
        bool leads = false,
        bool learner = false,
        long slot = 100,
        string host = "localhost",
        string release = "0.1",
        TimeSpan? uptime = null,
        TimeSpan clock = default)
    {
        var status = new KvNodeStatus
        {
            Id = id,
            Endpoint = $"{host}:{9090 + id}",
            Status = "healthy",
            IsLeader = leads,
            IsLearner = learner,
            Role = leads ? "leader" : "follower",
            AppliedSlot = slot,
            ChosenSlot = slot,
            Uptime = uptime ?? TimeSpan.FromHours(1),
            SoftwareVersion = release,
            SupportedFeatureLevel = 2,
            FeatureLevel = 2,
            LastSeen = At + clock,
        };
        var answer = new KvClusterHealth
        {
            Nodes = [status],
            AnsweredBy = id,
            Leader = leads ? status : null,
            Status = "healthy",
            Term = 3,
            FeatureLevel = 2,
        };
        return new NodeFacts(new MemberReport(status, answer)
        {
            AskedAt = At,
            RoundTrip = TimeSpan.FromMilliseconds(2),
        });
    }

    private static Dictionary<string, string> Settings(string connections, string id) => new()
    {
        ["limits.max_connections"] = connections,
        ["deployment.instance_id"] = id,
        ["listen.thrift_port"] = "909" + id,
    };
}
