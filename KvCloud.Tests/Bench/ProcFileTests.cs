using KvCloud.Bench.Measure;

namespace KvCloud.Tests.Bench;

public sealed class ProcFileTests
{
    [Theory]
    [InlineData("42 (etcd) S 1 42 42 0 -1 4194560 1 0 0 0 1234 66 0 0 20 0 8 0 100 1000 10", 1300)]
    [InlineData("42 (a) b) (c) R 1 42 42 0 -1 4194560 1 0 0 0 7 3 0 0 20 0 8 0 100 1000 10", 10)]
    public void ParseCpuTicks_of_a_stat_line_adds_user_and_system_time(string line, long ticks) =>
        Assert.Equal(ticks, ProcFile.ParseCpuTicks(line));

    [Theory]
    [InlineData("")]
    [InlineData("42 (etcd) S 1 2")]
    [InlineData("42 (etcd) S 1 42 42 0 -1 4194560 1 0 0 0 x 66")]
    public void ParseCpuTicks_of_something_else_says_so(string line) =>
        Assert.Throws<FormatException>(() => ProcFile.ParseCpuTicks(line));

    [Fact]
    public void ParseNumber_finds_the_line_of_that_very_name()
    {
        const string Status = "Name:\tetcd\nVmRSSx:\t1 kB\nVmHWM:\t  200 kB\nVmRSS:\t  100 kB\n";

        Assert.Equal(100, ProcFile.ParseNumber(Status, "VmRSS"));
        Assert.Equal(200, ProcFile.ParseNumber(Status, "VmHWM"));
        Assert.Equal(7, ProcFile.ParseNumber("rchar: 1\nwrite_bytes: 7\ncancelled_write_bytes: 9\n", "write_bytes"));
        Assert.Throws<FormatException>(() => ProcFile.ParseNumber(Status, "VmSwap"));
    }

    [Fact]
    public void ParseListeningInode_takes_listeners_only()
    {
        const string Table = """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
               0: 0100007F:2382 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 11 1 0000000000000000
               1: 0100007F:2382 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 22 1 0000000000000000
            """;

        Assert.Equal("22", ProcFile.ParseListeningInode(Table, 0x2382));
        Assert.Null(ProcFile.ParseListeningInode(Table, 80));
    }

    [Fact]
    public void ParseSyncs_of_a_summary_adds_both_calls()
    {
        const string Summary = """
            % time     seconds  usecs/call     calls    errors syscall
            ------ ----------- ----------- --------- --------- ----------------
             93.66    0.010107         842       120           fdatasync
              6.34    0.000684          62        11         1 fsync
            ------ ----------- ----------- --------- --------- ----------------
            100.00    0.010791          82       131         1 total
            """;

        Assert.Equal(131, DurabilityCheck.ParseSyncs(Summary));
        Assert.Equal(0, DurabilityCheck.ParseSyncs(string.Empty));
    }

    [Fact]
    public void IsDurable_of_members_that_synced_wants_a_quorum()
    {
        DurabilityCheck Check(params long?[] syncs) =>
            new("x", 1, 1000, [.. syncs.Select(count => new MemberDurability("m", count, 1))]);

        Assert.True(Check(10, 10, 0).IsDurable);
        Assert.False(Check(10, 0, 0).IsDurable);
        Assert.False(Check(null, null, null).IsDurable);
    }
}
