using System.Text.Json;
using KvCloud.Cli;
using KvCloud.Cli.Backup;
using KvCloud.Client;
using KvCloud.Tests.Backup;
using KvCloud.Tests.Live;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Cli;

/// <summary>`kv backup` on an archive, without a cluster: what it prints, and with which exit code.</summary>
public sealed class BackupCommandLineTests : IDisposable
{
    private readonly ArchiveFixture _archive = new();

    public void Dispose() => _archive.Dispose();

    [Fact]
    public async Task BackupListCommand_of_an_archive_with_a_gap_shows_ranges_and_gap()
    {
        await BackUpWithGapAsync();

        (int code, string printed, string told) = await KvProcess.RunAsync(
            "backup", "list", "--from", $"file://{_archive.Store.Address}");

        Assert.Equal((ExitCode.Ok, ""), (code, told));
        Assert.Contains("20-20\t200-200\t2023-11-14T22:13:40.000Z to 2023-11-14T22:13:40.000Z", printed);
        Assert.Contains("60-60\t600-600\t", printed);
        Assert.Contains("gap: slots 21-59 cannot be restored", printed);
    }

    [Fact]
    public async Task BackupListCommand_as_json_is_one_object_a_line()
    {
        await BackUpWithGapAsync();

        (int code, string printed, _) = await KvProcess.RunAsync(
            "backup", "list", "--from", _archive.Store.Address, "--json");

        Assert.Equal(ExitCode.Ok, code);
        Assert.Equal(
            ["snapshot", "snapshot", "restorable", "restorable", "gap", "archive"],
            printed.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => JsonElement.Parse(line).GetProperty("kind").GetString()));
    }

    [Fact]
    public async Task BackupListCommand_of_an_archive_with_a_missing_file_fails_and_names_it()
    {
        await BackUpWithGapAsync();
        string file = (await _archive.CatalogAsync()).Snapshots[0].Manifest.Files[0].ObjectName;
        File.Delete(_archive.PathOf(file));

        (int code, string printed, string told) = await KvProcess.RunAsync(
            "backup", "list", "--from", _archive.Store.Address);

        Assert.Equal(ExitCode.No, code);
        Assert.Contains(file, told, StringComparison.Ordinal);
        Assert.Contains("1 files missing", printed, StringComparison.Ordinal);
    }

    [Fact]
    public async Task BackupVerifyCommand_of_a_changed_file_fails_and_names_it()
    {
        await BackUpWithGapAsync();
        string file = (await _archive.CatalogAsync()).Snapshots[0].Manifest.Files[0].ObjectName;
        byte[] content = await File.ReadAllBytesAsync(_archive.PathOf(file));
        content[7] ^= 1;
        await File.WriteAllBytesAsync(_archive.PathOf(file), content);

        (int code, _, string told) = await KvProcess.RunAsync(
            "backup", "verify", "--from", _archive.Store.Address, "--hashes-only");

        Assert.Equal(ExitCode.No, code);
        Assert.Contains(file, told, StringComparison.Ordinal);
    }

    [Fact]
    public async Task BackupRestoreCommand_at_a_moment_in_a_gap_is_refused_naming_what_can_be_restored()
    {
        await BackUpWithGapAsync();

        (int code, _, string told) = await RestoreAsync("--at-slot", "30");

        Assert.Equal(ExitCode.No, code);
        Assert.Contains("slot 30 cannot be restored", told, StringComparison.Ordinal);
        Assert.Contains("slots 20-20", told, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_archive.PathOf("leases")));
    }

    [Fact]
    public async Task BackupRestoreCommand_under_the_name_of_the_archives_cluster_is_refused_before_it_fetches()
    {
        await BackUpWithGapAsync();
        string root = Path.Combine(_archive.Root, "restored");

        (int code, _, string told) = await KvProcess.RunAsync(
            "backup", "restore", "--from", _archive.Store.Address, "--to", root, "--nodes", "0",
            "--cluster-id", "cluster-a");

        Assert.Equal(ExitCode.Usage, code);
        Assert.Contains("the archive is of cluster 'cluster-a'", told, StringComparison.Ordinal);
        Assert.False(Directory.Exists(root + ".staging"));
        Assert.Empty(Directory.GetFiles(_archive.PathOf("leases")));
    }

    [Theory]
    [InlineData("2026-11-27T18:30:00")]
    [InlineData("2026-11-27")]
    [InlineData("yesterday")]
    public async Task BackupRestoreCommand_at_a_time_without_offset_is_refused(string time)
    {
        await BackUpWithGapAsync();

        (int code, _, string told) = await RestoreAsync("--at-time", time);

        Assert.Equal(ExitCode.Usage, code);
        Assert.Contains("is no time with an offset", told, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("2023-11-14T22:13:40Z")]
    [InlineData("2023-11-15T00:13:40+02:00")]
    public async Task BackupRestoreCommand_into_a_directory_that_is_not_empty_is_refused(string time)
    {
        await BackUpWithGapAsync();
        string root = Path.Combine(_archive.Root, "restored");
        Directory.CreateDirectory(Path.Combine(root, "node_0"));

        (int code, _, string told) = await RestoreAsync("--at-time", time);

        Assert.Equal(ExitCode.Usage, code);
        Assert.Contains("is not empty", told, StringComparison.Ordinal);
    }

    [UnixFact]
    public async Task BackupRestoreCommand_to_a_mount_point_is_refused_by_name()
    {
        await BackUpWithGapAsync();

        (int code, _, string told) = await KvProcess.RunAsync(
            "backup", "restore", "--from", _archive.Store.Address, "--to", "/dev/", "--nodes", "0",
            "--cluster-id", "cluster-b");

        Assert.Equal(ExitCode.Usage, code);
        Assert.Contains("/dev is a mount point", told, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("--keep-snapshots 1 --keep-days 1")]
    [InlineData("--keep-snapshots 0")]
    public async Task BackupPruneCommand_without_one_policy_is_refused(string options)
    {
        await BackUpWithGapAsync();

        (int code, _, _) = await KvProcess.RunAsync(
            ["backup", "prune", "--from", _archive.Store.Address, .. options.Split(' ', SplitOptions)]);

        Assert.Equal(ExitCode.Usage, code);
        Assert.Equal(2, (await _archive.CatalogAsync()).Snapshots.Count);
    }

    [Fact]
    public async Task BackupPruneCommand_dry_run_says_what_it_would_remove()
    {
        await BackUpWithGapAsync();

        (int code, string printed, _) = await KvProcess.RunAsync(
            "backup", "prune", "--from", _archive.Store.Address, "--keep-snapshots", "1", "--dry-run");

        Assert.Equal(ExitCode.Ok, code);
        Assert.StartsWith("would remove 1 snapshots", printed, StringComparison.Ordinal);
        Assert.Equal(2, (await _archive.CatalogAsync()).Snapshots.Count);
    }

    [Fact]
    public async Task BackupListCommand_with_credentials_in_the_address_does_not_repeat_them()
    {
        (int code, string printed, string told) = await KvProcess.RunAsync(
            "backup", "list", "--from", "s3://key:secret@bucket/prefix");

        Assert.Equal(ExitCode.No, code);
        Assert.DoesNotContain("secret", printed + told, StringComparison.Ordinal);
        Assert.Contains("AWS_ACCESS_KEY_ID", told, StringComparison.Ordinal);
    }

    [Fact]
    public void Order_has_the_named_one_first_then_that_of_the_last_snapshot_and_the_leader_last()
    {
        var health = new KvClusterHealth
        {
            Nodes =
            [
                new KvNodeStatus { Id = 0, Endpoint = "a:1", IsLeader = true, Status = "healthy" },
                new KvNodeStatus { Id = 1, Endpoint = "b:1", Status = "unreachable" },
                new KvNodeStatus { Id = 2, Endpoint = "c:1", Status = "healthy", LagSlots = 9 },
                new KvNodeStatus { Id = 3, Endpoint = "d:1", Status = "healthy", LagSlots = 1 },
            ],
        };

        Assert.Equal(["d:1", "c:1", "a:1", "b:1"], ReplicaSources.Order(health, null, null));
        Assert.Equal(["c:1", "d:1", "a:1", "b:1"], ReplicaSources.Order(health, null, lastNodeId: 2));
        Assert.Equal(["x:1", "c:1", "d:1", "a:1", "b:1"], ReplicaSources.Order(health, "x:1", lastNodeId: 2));
        Assert.Equal(["A:1", "d:1", "c:1", "b:1"], ReplicaSources.Order(health, "A:1", null));
    }

    private static StringSplitOptions SplitOptions => StringSplitOptions.RemoveEmptyEntries;

    private Task<(int Code, string Printed, string Told)> RestoreAsync(string option, string value) =>
        KvProcess.RunAsync(
            "backup", "restore", "--from", _archive.Store.Address, "--to", Path.Combine(_archive.Root, "restored"),
            "--nodes", "0", "--cluster-id", "cluster-b", option, value);

    private async Task BackUpWithGapAsync()
    {
        var replica = new ScriptedReplica("a");
        await _archive.BackUpAsync(replica);
        replica.Applied = 60;
        replica.FirstLogged = 50;
        await _archive.BackUpAsync(replica);
    }
}
