using KvCloud.Monitoring;
using KvCloud.WebConsole.Data;
using KvCloud.WebConsole.Monitoring;

namespace KvCloud.Tests.WebConsole;

/// <summary>What the pages make of the nodes' answers.</summary>
public sealed class NodePagesTests
{
    [Fact]
    public void Newest_slots_of_two_logs_are_rows_with_what_each_node_has()
    {
        var logs = new Dictionary<int, NodeLog>
        {
            [0] = Log(0, Slot(8, accepted: 3, isChosen: true), Slot(9, accepted: 3, isChosen: false)),
            [1] = Log(1, Slot(7, accepted: 2, isChosen: true), Slot(8, accepted: 2, isChosen: false)),
        };

        IReadOnlyList<SlotRow> rows = SlotRow.Newest(logs, most: 2);

        Assert.Equal([9, 8], rows.Select(row => row.Slot));
        Assert.Equal(("3.0 accepted", "–"), (rows[0].At(0), rows[0].At(1)));
        Assert.Equal(("3.0 chosen", "2.0 accepted"), (rows[1].At(0), rows[1].At(1)));
        Assert.Equal("set orders: a\\x00 (5 B)", rows[0].What);
    }

    [Fact]
    public void Add_of_a_trimmed_log_keeps_the_slots_before_and_says_how_far_they_are()
    {
        var history = new SlotHistory();
        history.Add(0, Log(0, Slot(8, accepted: 3, isChosen: false)));
        history.Add(0, Log(0, Slot(9, accepted: 3, isChosen: false)) with { ChosenSlot = 9, AppliedSlot = 8 });

        Assert.Equal(["3.0 chosen", "3.0 applied"], history.Rows().Select(row => row.At(0)));
    }

    [Fact]
    public void Of_a_slot_with_many_commands_names_some_and_counts_the_rest()
    {
        LogSlot slot = Slot(1, 1, isChosen: true) with
        {
            CommandCount = 10,
            Commands = [.. Enumerable.Repeat(new LogCommand { Kind = "open_session" }, 5)],
        };

        Assert.Equal("open session; open session; open session; and 7 more", KeyText.Of(slot));
    }

    [Fact]
    public void Of_a_commit_names_its_mutations()
    {
        var command = new LogCommand
        {
            Kind = "commit",
            MutationCount = 3,
            Mutations =
            [
                new LogCommand { Kind = "set", Key = "a"u8.ToArray(), ValueBytes = 1 },
                new LogCommand { Kind = "delete", Key = "b"u8.ToArray() },
            ],
        };

        Assert.Equal("commit: set a (1 B); delete b; and 1 more", KeyText.Of(command));
    }

    [Fact]
    public void Of_heat_adds_windows_up_to_columns_and_says_where_most_calls_are()
    {
        NodeHeat heat = Heat(Range("a", "b", reads: 1, writes: 2), Range("c", "c", reads: 5, writes: 0));

        var map = HeatMapData.Of(heat, HeatKind.All);

        Assert.Equal(["a … b", "c"], map.Rows.Select(row => row.Name));
        Assert.Equal(HeatMapData.MaxColumns, map.Rows[0].Calls.Count);
        Assert.All(map.Rows[0].Calls, calls => Assert.Equal(6, calls));
        Assert.Equal(HeatMapData.MaxColumns, map.Labels.Length);
        Assert.EndsWith("most in c: 300", map.Summary, StringComparison.Ordinal);
        Assert.All(HeatMapData.Of(heat, HeatKind.Writes).Rows[1].Calls, calls => Assert.Equal(0, calls));
    }

    [Fact]
    public void Of_heat_of_long_keys_leaves_out_what_all_of_them_begin_with()
    {
        NodeHeat heat = Heat(
            Range("tenants/aurora/orders/17", "tenants/aurora/orders/29", reads: 1, writes: 0),
            Range("tenants/aurora/users/ada", "tenants/aurora/users/ada", reads: 1, writes: 0));

        var map = HeatMapData.Of(heat, HeatKind.All);

        Assert.Equal(["…orders/17 … …orders/29", "…users/ada"], map.Rows.Select(row => row.Name));
    }

    [Fact]
    public void Of_heat_of_a_node_that_nobody_calls_is_a_map_without_rows()
    {
        var map = HeatMapData.Of(Heat(), HeatKind.All);

        Assert.Empty(map.Rows);
        Assert.Equal("no calls", map.Summary);
    }

    [Fact]
    public void Merge_of_settings_says_which_node_has_which_value_and_no_secret()
    {
        var nodes = new Dictionary<int, NodeConfig>
        {
            [0] = Config(0, Setting("a.b", "1", isDefault: true), Secret(isSet: true)),
            [1] = Config(1, Setting("a.b", "2", isDefault: false), Secret(isSet: true)),
            [2] = Config(2, Setting("a.b", "1", isDefault: true), Secret(isSet: true)),
        };

        IReadOnlyList<SettingRow> rows = SettingRow.Merge(nodes);

        Assert.Equal([("1", "node-0, node-2"), ("2", "node-1")], rows[0].Values);
        Assert.True(rows[0].IsDifferent);
        Assert.True(rows[0].IsChanged);
        Assert.Equal("set, not shown", Assert.Single(rows[1].Values).Value);
        Assert.False(rows[1].IsDifferent);
    }

    private static NodeLog Log(int node, params LogSlot[] slots) => new()
    {
        NodeId = node,
        Role = "follower",
        Ballot = Ballot(3),
        Promised = Ballot(3),
        FirstSlot = 1,
        LastSlot = 9,
        ChosenSlot = 8,
        AppliedSlot = 8,
        Slots = slots,
    };

    private static LogSlot Slot(long slot, long accepted, bool isChosen) => new()
    {
        Slot = slot,
        Kind = "commands",
        Accepted = Ballot(accepted),
        Proposed = Ballot(1),
        IsChosen = isChosen,
        CommandCount = 1,
        Commands = [new LogCommand { Kind = "set", ColumnFamily = "orders", Key = "a\0"u8.ToArray(), ValueBytes = 5 }],
    };

    private static LogBallot Ballot(long round) => new() { Round = round, NodeId = 0 };

    /// <summary>Of ten minutes.</summary>
    private static NodeHeat Heat(params NodeHeatRange[] ranges) => new()
    {
        NodeId = 0,
        Sampling = 64,
        WindowSeconds = 10,
        Windows = [.. Enumerable.Range(0, 60).Select(index => DateTimeOffset.UnixEpoch.AddSeconds(10 * index))],
        Ranges = ranges,
        HotKeys = [],
    };

    private static NodeHeatRange Range(string first, string last, long reads, long writes) => new()
    {
        ColumnFamily = "default",
        FirstKey = System.Text.Encoding.UTF8.GetBytes(first),
        LastKey = System.Text.Encoding.UTF8.GetBytes(last),
        Reads = [.. Enumerable.Repeat(reads, 60)],
        Writes = [.. Enumerable.Repeat(writes, 60)],
    };

    private static NodeConfig Config(int node, params NodeSetting[] settings) =>
        new() { NodeId = node, Settings = settings };

    private static NodeSetting Setting(string name, string value, bool isDefault) =>
        new() { Name = name, Value = value, Default = "1", IsSet = true, IsDefault = isDefault };

    private static NodeSetting Secret(bool isSet) =>
        new() { Name = "security.auth_token", IsSet = isSet, IsSecret = true };
}
