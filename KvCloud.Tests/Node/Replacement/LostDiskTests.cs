using KvCloud.Consensus;
using KvCloud.Node;
using KvCloud.Node.Configuration;
using KvCloud.Node.Files;
using KvCloud.Node.Replacement;
using KvCloud.Node.Replication;
using KvCloud.Node.Storage;
using KvCloud.Node.Transport;
using KvCloud.Tests.Node.Diagnostics;
using KvCloud.Tests.Node.Storage;
using KvCloud.Tests.Node.Transport;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using static KvCloud.Tests.Node.Replication.Log.LogEntries;

namespace KvCloud.Tests.Node.Replacement;

/// <summary>When a replica takes another id, and above all when it does not.</summary>
public sealed class LostDiskTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly ScriptedGroup _group = new() { Members = "0 1- 2" };
    private readonly FakeTimeProvider _time = new();
    private readonly RecordingLog _log = new();
    private readonly ILoggerFactory _loggers;
    private readonly NodeTopology _topology;
    private ReplicaStorage _storage;
    private LostDisk _disk;
    private int _restarts;
    private int _removals;

    public LostDiskTests()
    {
        _loggers = LoggerFactory.Create(logging => logging.AddProvider(_log));
        _topology = NodeTopology.From(Options([4, 5]));
        _storage = ReplicaServices.OpenStorage(Options([4, 5]), _topology);
        _disk = NewDisk();
    }

    public void Dispose()
    {
        _storage.Dispose();
        _loggers.Dispose();
        _directory.Dispose();
    }

    [Theory]
    [InlineData(PeerRefusal.DirectoryLost, PeerRefusal.DirectoryLost)]
    [InlineData(PeerRefusal.DirectoryLost, PeerRefusal.Removed)]
    public async Task TryHandle_refusals_of_a_majority_makes_it_the_directory_of_the_next_id(object one, object other)
    {
        await _disk.StartAsync(CancellationToken.None);
        Assert.True(_disk.TryHandle(0, (PeerRefusal)one));
        Assert.True(_disk.TryHandle(2, (PeerRefusal)other));

        await UntilAsync(() => _restarts == 1);

        Assert.Equal(4, DataDirectory.FindOwner(SystemFiles.Instance, _topology.DataDirectory, _topology.ClusterId));
        Assert.Equal("", _storage.Directory.Identity.Voters);
        Assert.Equal(0, _removals);
        await _disk.StopAsync(CancellationToken.None);
    }

    /// <summary>The word of one is not enough, and the other one is not there, or has another reason.</summary>
    [Theory]
    [InlineData(null)]
    [InlineData(PeerRefusal.OtherNode)]
    public async Task TryHandle_the_refusal_of_one_peer_alone_changes_nothing(object? other)
    {
        await _disk.StartAsync(CancellationToken.None);
        _disk.TryHandle(0, PeerRefusal.DirectoryLost);
        if (other is PeerRefusal refusal)
        {
            _disk.TryHandle(2, refusal);
        }

        await UntilAsync(() => _group.Asked >= 3);

        Assert.EndsWith("1 of 3 voters have said so: a majority decides", _disk.Description, StringComparison.Ordinal);
        await StaysAsync();
    }

    [Fact]
    public async Task TryHandle_refusals_by_nodes_that_are_no_voters_changes_nothing()
    {
        await _disk.StartAsync(CancellationToken.None);
        _disk.TryHandle(0, PeerRefusal.DirectoryLost);
        _disk.TryHandle(8, PeerRefusal.DirectoryLost);
        _disk.TryHandle(9, PeerRefusal.DirectoryLost);

        await UntilAsync(() => _group.Asked >= 3);

        await StaysAsync();
    }

    [Fact]
    public async Task TryHandle_nothing_while_no_peer_refuses_asks_nobody()
    {
        await _disk.StartAsync(CancellationToken.None);

        for (int i = 0; i < 100; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(15));
            await Task.Yield();
        }

        Assert.Equal(0, _group.Asked);
        Assert.Null(_disk.Description);
        await StaysAsync();
    }

    [Theory]
    [InlineData("", "nobody leads", "nobody leads")]
    [InlineData("0 1 2", null, "the leader has heard replica 1 of late: it is too soon, or another process has its"
        + " place")]
    [InlineData("0 2 5-", null, "deployment.replacement_ids has no id left: put another replica in its place (kv"
        + " member replace)")]
    public async Task TryHandle_refusals_of_a_majority_while_the_group_has_no_place_waits_and_says_so_once(
        string members, string? silence, string why)
    {
        _group.Members = members;
        _group.Silence = silence;
        await _disk.StartAsync(CancellationToken.None);
        _disk.TryHandle(0, PeerRefusal.DirectoryLost);
        _disk.TryHandle(2, PeerRefusal.DirectoryLost);

        await UntilAsync(() => _group.Asked >= 5);

        Assert.EndsWith(why, _disk.Description, StringComparison.Ordinal);
        Assert.Single(_log.Lines, line => line.Message.EndsWith(why, StringComparison.Ordinal));
        await StaysAsync();
    }

    [Theory]
    [InlineData("0 2 3")]
    [InlineData("0 2 5-")]
    public async Task TryHandle_that_it_was_removed_without_an_id_to_go_on_under_ends_it(string members)
    {
        _group.Members = members;
        await _disk.StartAsync(CancellationToken.None);
        _disk.TryHandle(0, PeerRefusal.Removed);
        _disk.TryHandle(2, PeerRefusal.Removed);

        await UntilAsync(() => _removals == 1);

        await StaysAsync(removals: 1);
    }

    [Fact]
    public void TryHandle_with_a_directory_that_is_not_empty_leaves_refusals_to_others()
    {
        _storage.Log.Write([Effects(new Ballot(3, new NodeId(0)), 0, Entry(1, "a"))]);

        Assert.False(_storage.IsEmpty);
        Assert.False(_disk.TryHandle(0, PeerRefusal.DirectoryLost));
    }

    [Fact]
    public void TryHandle_with_a_promise_and_nothing_else_leaves_refusals_to_others()
    {
        _storage.Log.Write([Effects(new Ballot(3, new NodeId(0)), 0)]);

        Assert.False(_disk.TryHandle(0, PeerRefusal.DirectoryLost));
    }

    [Fact]
    public void TryHandle_with_a_directory_that_has_taken_part_leaves_refusals_to_others()
    {
        _disk = NewDisk(Bootstrap.Done);

        Assert.False(_disk.TryHandle(0, PeerRefusal.DirectoryLost));
    }

    [Fact]
    public void TryHandle_without_replacement_ids_leaves_refusals_to_others()
    {
        _storage.Dispose();
        var topology = NodeTopology.From(Options([]));
        _storage = ReplicaServices.OpenStorage(Options([]), topology);
        _disk = NewDisk(topology: topology);

        Assert.False(_disk.TryHandle(0, PeerRefusal.DirectoryLost));
        Assert.False(_disk.TryHandle(2, PeerRefusal.Removed));
    }

    private NodeOptions Options(IReadOnlyList<int> ids) => new()
    {
        Deployment = new DeploymentOptions
        {
            Mode = DeploymentMode.Replicated,
            InstanceId = 1,
            ReplicaEndpoints = ["a:9090", "b:9090", "c:9090"],
            ReplacementIds = ids,
        },
        Database = new DatabaseOptions { BasePath = _directory.Path },
    };

    private LostDisk NewDisk(Bootstrap? bootstrap = null, NodeTopology? topology = null) => new(
        topology ?? _topology,
        _storage,
        bootstrap ?? new Bootstrap([0, 2], isFormed: false, () => { }),
        _group,
        _ => { },
        () => Interlocked.Increment(ref _restarts),
        () => Interlocked.Increment(ref _removals),
        _time,
        _loggers.CreateLogger<LostDisk>());

    private async Task UntilAsync(Func<bool> condition) => await Eventually.TrueAsync(
        () =>
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            return condition();
        },
        () => $"asked {_group.Asked} times: {_disk.Description}");

    private async Task StaysAsync(int removals = 0)
    {
        await _disk.StopAsync(CancellationToken.None);
        Assert.Equal((0, removals), (_restarts, _removals));
        Assert.Equal(1, DataDirectory.FindOwner(SystemFiles.Instance, _topology.DataDirectory, _topology.ClusterId));
    }
}
