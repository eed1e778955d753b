using System.Diagnostics;

namespace KvCloud.Tests.Live.PowerCut;

/// <summary>The disk that forgets what was not synced: what it keeps, what it takes, what it refuses.</summary>
[Collection(LiveCollection.Name)]
public sealed class LossyDiskTests : IDisposable
{
    private readonly string _path = Directory.CreateTempSubdirectory("kvcloud-disk-").FullName;
    private readonly LossyDisk _disk;

    public LossyDiskTests() => _disk = new LossyDisk(_path);

    public void Dispose() => Directory.Delete(_path, recursive: true);

    [PowerCutFact]
    public void Cut_write_without_sync_is_gone()
    {
        Run("write a 0 512 x sync a sync . write a 0 512 y write a 512 512 y cut");

        DiskLoss loss = _disk.Cut(new Random(1), survival: 0);

        Assert.Equal(new string('x', 512), Read("a"));
        Assert.Equal(new DiskLoss(Sectors: 2, SectorsLost: 2, Names: 0, NamesLost: 0), loss);
    }

    [PowerCutFact]
    public void Cut_write_without_sync_may_stay()
    {
        Run("write a 0 512 x sync a sync . write a 0 512 y write a 512 512 y cut");

        DiskLoss loss = _disk.Cut(new Random(1), survival: 1);

        Assert.Equal(new string('y', 1024), Read("a"));
        Assert.Equal(0, loss.SectorsLost);
    }

    [PowerCutFact]
    public void Cut_each_sector_has_its_own_coin()
    {
        Run("write a 0 65536 x sync-data a sync . write a 0 65536 y cut");

        DiskLoss loss = _disk.Cut(new Random(1), survival: 0.5);

        string[] sectors = [.. Read("a").Chunk(512).Select(sector => new string(sector))];
        Assert.All(sectors, sector => Assert.Single(sector.Distinct()));
        Assert.Equal(128, loss.Sectors);
        Assert.Equal(loss.SectorsLost, sectors.Count(sector => sector[0] == 'x'));
        Assert.InRange(loss.SectorsLost, 32, 96);
    }

    [PowerCutFact]
    public void Cut_synced_ranges_stay_whichever_way_they_were_written()
    {
        Run("write a 0 300000 x sync a sync . write a 1000 5 y write a 200000 5000 z sync-data a "
            + "write-sync a 299999 2 w truncate a 299500 sync a cut");

        DiskLoss loss = _disk.Cut(new Random(1), survival: 0);

        string expected = new string('x', 1000) + "yyyyy" + new string('x', 200000 - 1005) + new string('z', 5000)
            + new string('x', 299500 - 205000);
        Assert.Equal(expected, Read("a"));
        Assert.Equal(0, loss.Sectors);
    }

    [PowerCutFact]
    public void Cut_size_without_sync_is_the_old_one()
    {
        Run("write a 0 1000 x sync a sync . truncate a 10 cut");
        _disk.Cut(new Random(1), survival: 0);
        Assert.Equal(1000, Read("a").Length);

        Run("truncate a 10 sync a cut");
        _disk.Cut(new Random(1), survival: 0);
        Assert.Equal(10, Read("a").Length);
    }

    [PowerCutFact]
    public void Cut_name_without_sync_of_its_directory_is_gone_with_the_synced_content()
    {
        Run("write a 0 512 x sync a cut");

        DiskLoss loss = _disk.Cut(new Random(1), survival: 0);

        Assert.Empty(Directory.GetFileSystemEntries(_disk.Root));
        Assert.Equal(1, loss.NamesLost);
    }

    [PowerCutFact]
    public void Cut_rename_without_sync_of_its_directory_is_undone_as_a_whole()
    {
        Run("write a 0 5 o write b 0 5 n sync a sync b sync . rename b a cut");

        _disk.Cut(new Random(1), survival: 0);

        Assert.Equal(["a", "b"], Names());
        Assert.Equal("ooooo", Read("a"));
        Assert.Equal("nnnnn", Read("b"));
    }

    [PowerCutFact]
    public void Cut_rename_with_sync_of_its_directory_stays()
    {
        Run("write a 0 5 o write b 0 5 n sync a sync b sync . rename b a sync . cut");

        _disk.Cut(new Random(1), survival: 0);

        Assert.Equal(["a"], Names());
        Assert.Equal("nnnnn", Read("a"));
    }

    [PowerCutFact]
    public void Cut_removed_file_is_back_with_its_content()
    {
        Run("write a 0 5 x sync a sync . remove a write b 0 5 y cut");

        DiskLoss loss = _disk.Cut(new Random(1), survival: 0);

        Assert.Equal(["a"], Names());
        Assert.Equal("xxxxx", Read("a"));
        Assert.Equal(2, loss.NamesLost);
    }

    [PowerCutFact]
    public void Cut_directory_is_gone_with_all_that_was_synced_in_it()
    {
        Run("mkdir d write d/a 0 5 x sync d/a sync d cut");
        _disk.Cut(new Random(1), survival: 0);
        Assert.Empty(Names());

        Run("mkdir d write d/a 0 5 x link d/a d/b sync d/a sync d sync . cut");
        _disk.Cut(new Random(1), survival: 0);
        Assert.Equal("xxxxx", Read("d/a"));
        Assert.Equal("xxxxx", Read("d/b"));
    }

    [PowerCutFact]
    public void IsSabotaged_sync_makes_nothing_durable()
    {
        Run("write a 0 5 x sync a sync .");
        _disk.IsSabotaged = true;
        Run("write a 0 5 y sync a write b 0 5 y sync b sync . cut");

        _disk.Cut(new Random(1), survival: 0);

        Assert.Equal(["a"], Names());
        Assert.Equal("xxxxx", Read("a"));
    }

    [PowerCutFact]
    public void LossyDisk_shared_writable_mapping_aborts_the_program() =>
        Assert.Contains("mapped shared and writable", Run("write a 0 4096 x map a"), StringComparison.Ordinal);

    [PowerCutFact]
    public void LossyDisk_write_past_the_layer_aborts_the_program_at_the_next_sync() => Assert.Contains(
        "written in a way that is not watched",
        Run("write a 0 5 x sync a print a y sync a"),
        StringComparison.Ordinal);

    [PowerCutFact]
    public void IsTripping_disk_kills_the_program_in_the_middle()
    {
        Run("write a 0 8192 x sync a sync .");
        _disk.IsTripping = true;
        string round = "write a 0 8192 y sync a rename a b rename b a ";
        Run(string.Concat(Enumerable.Repeat(round, 200)) + "write end 0 1 z");

        DiskLoss loss = _disk.Cut(new Random(1), survival: 1);

        Assert.DoesNotContain("end", Names());
        Assert.Equal(8192, Read(Names().Single()).Length);
        Assert.Equal(0, loss.NamesLost);
    }

    [PowerCutFact]
    public void SyncTrace_of_each_sync_has_its_bytes_with_its_time()
    {
        _disk.IsTraced = true;
        long before = Stopwatch.GetTimestamp();
        Run("write a 0 5 x sync a write a 5 3 y sync-data a write a 8 3 z cut");
        long after = Stopwatch.GetTimestamp();

        SyncedRange[] ranges = [.. SyncTrace.Read(_disk.TracePath)];

        Assert.Equal(["xxxxx", "yyy"], ranges.Select(range => System.Text.Encoding.UTF8.GetString(range.Bytes)));
        Assert.All(ranges, range => Assert.InRange(range.Timestamp, before, after));
    }

    /// <summary>Runs the probe in the disk's root; gives what it wrote to standard error.</summary>
    private string Run(string words)
    {
        var info = new ProcessStartInfo(
            LossyDiskLibrary.Compile("lossy_disk_probe.c", ""), words.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            WorkingDirectory = _disk.Root,
            RedirectStandardError = true,
        };
        foreach ((string name, string? value) in _disk.Environment())
        {
            info.Environment[name] = value;
        }

        using Process probe = Process.Start(info)!;
        string errors = probe.StandardError.ReadToEnd();
        probe.WaitForExit();
        Assert.True(errors.Length == 0 || errors.StartsWith("lossy_disk:", StringComparison.Ordinal), errors);
        return errors;
    }

    private string Read(string name) => File.ReadAllText(Path.Combine(_disk.Root, name));

    private IEnumerable<string> Names() =>
        Directory.GetFileSystemEntries(_disk.Root).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal);
}
