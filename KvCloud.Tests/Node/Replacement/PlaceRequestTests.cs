using KvCloud.Consensus;
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

namespace KvCloud.Tests.Node.Replacement;

/// <summary>How a replica that has taken another id gets the place of the lost one.</summary>
public sealed class PlaceRequestTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly ScriptedGroup _group = new() { Members = "0 1- 2" };
    private readonly FakeTimeProvider _time = new();
    private readonly RecordingLog _log = new();
    private readonly ILoggerFactory _loggers;
    private readonly DataDirectory _data;
    private readonly NodeTopology _topology;
    private readonly PlaceRequest _request;
    private int _restarts;

    /// <summary>As after a crash between taking the id and the first call: the directory is all that is left.</summary>
    public PlaceRequestTests()
    {
        _loggers = LoggerFactory.Create(logging => logging.AddProvider(_log));
        var configured = NodeTopology.From(new NodeOptions
        {
            Deployment = new DeploymentOptions
            {
                Mode = DeploymentMode.Replicated,
                InstanceId = 1,
                ReplicaEndpoints = ["a:9090", "b:9090", "c:9090"],
                ReplacementIds = [4, 5],
            },
            Database = new DatabaseOptions { BasePath = _directory.Path },
        });
        using (var lost = DataDirectory.Open(
            SystemFiles.Instance, configured.DataDirectory, configured.ClusterId, 1, "0,1,2"))
        {
            lost.BecomeNode(4);
        }

        _topology = configured.AsOwnerOfDirectory(DataDirectory.FindOwner(
            SystemFiles.Instance, configured.DataDirectory, configured.ClusterId));
        _data = DataDirectory.Open(
            SystemFiles.Instance, _topology.DataDirectory, _topology.ClusterId, _topology.SelfId, "");
        _request = new PlaceRequest(
            _topology, _data, () => Status, _group, _ => { }, () => Interlocked.Increment(ref _restarts), _time,
            _loggers.CreateLogger<PlaceRequest>());
    }

    private ReplicaStatus Status { get; set; } = new(
        new NodeId(4), Role.Follower, Ballot.Zero, null, Slot.Zero, Slot.Zero, 0, 0, Slot.Zero, 0);

    public void Dispose()
    {
        _data.Dispose();
        _loggers.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task NextChange_by_next_change_is_asked_for_until_it_has_the_place()
    {
        _group.OnChange = change => _group.Members = change.StartsWith("Add", StringComparison.Ordinal)
            ? "0 1- 2 4l" : "0 2 4";
        await _request.StartAsync(CancellationToken.None);

        await UntilAsync(() => Said("replica 4 is a voter, in the place of the lost one") == 1);

        Assert.Equal(["Add 4", "Replace 4 for 1"], _group.Changes);
        Assert.Null(_request.Description);
        Assert.Equal(1, Said("the group is asked for: add node-4 at b:9190"));
        Assert.Equal(1, Said("the disk of replica 1 was lost; this is replica 4 now, a learner; asks the group to be"
            + " put in its place"));
    }

    [Fact]
    public async Task ChangeAsync_refused_again_and_again_is_asked_again_and_told_once()
    {
        const string Refusal = "the group refuses: node-4 has not caught up yet";
        _group.Members = "0 1- 2 4l";
        _group.OnChange = _ =>
        {
            if (_group.Changes.Count < 8)
            {
                throw new GroupCallException(Refusal);
            }
        };
        await _request.StartAsync(CancellationToken.None);

        await UntilAsync(() => _group.Changes.Count == 7);
        Assert.EndsWith(Refusal, _request.Description, StringComparison.Ordinal);
        await UntilAsync(() => Said("is a voter") == 1);

        Assert.All(_group.Changes, change => Assert.Equal("Replace 4 for 1", change));
        Assert.Equal(1, Said(Refusal));
        Assert.Equal(1, Said("the group is asked for"));
    }

    [Fact]
    public async Task ChangeAsync_whose_outcome_is_unknown_and_was_made_is_not_asked_for_again()
    {
        _group.Members = "0 1- 2 4l";
        _group.OnChange = _ =>
        {
            _group.Members = "0 2 4";
            throw new GroupCallException("the deadline passed");
        };
        await _request.StartAsync(CancellationToken.None);

        await UntilAsync(() => Said("is a voter") == 1);

        Assert.Single(_group.Changes);
    }

    /// <summary>It was taken once before, and lost before anything was learned under it.</summary>
    [Fact]
    public async Task TryHandle_that_its_id_was_removed_before_it_learned_anything_goes_on_under_the_next()
    {
        _group.Silence = "nobody leads";
        Assert.False(_request.TryHandle(PeerRefusal.DirectoryLost));
        Assert.True(_request.TryHandle(PeerRefusal.Removed));
        await _request.StartAsync(CancellationToken.None);

        await UntilAsync(() => _restarts == 1);

        Assert.Equal(5, DataDirectory.FindOwner(SystemFiles.Instance, _topology.DataDirectory, _topology.ClusterId));
    }

    [Fact]
    public void TryHandle_that_its_id_was_removed_once_it_has_learned_something_leaves_it_to_others()
    {
        Status = Status with { ChosenSlot = new Slot(7) };

        Assert.False(_request.TryHandle(PeerRefusal.Removed));
    }

    [Fact]
    public async Task IsVoter_by_its_own_record_asks_nobody()
    {
        Status = Status with { Members = GroupMembers.Initial([new NodeId(0), new NodeId(2), new NodeId(4)]) };

        await _request.StartAsync(CancellationToken.None);
        await _request.ExecuteTask!;

        Assert.Equal(0, _group.Asked);
        Assert.Empty(_log.Lines);
    }

    private int Said(string text) =>
        _log.Lines.Count(line => line.Message.Contains(text, StringComparison.Ordinal));

    private async Task UntilAsync(Func<bool> condition) => await Eventually.TrueAsync(
        () =>
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            return condition();
        },
        () => $"{string.Join(", ", _group.Changes)}: {_request.Description}");
}
