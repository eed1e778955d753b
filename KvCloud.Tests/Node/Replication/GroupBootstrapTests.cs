using System.Net;
using KvCloud.Consensus;
using KvCloud.Node.Files;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.Replication.Workers;
using KvCloud.Node.Storage;
using KvCloud.Node.Transport;
using KvCloud.Tests.Node.Storage;
using KvCloud.Tests.Node.Transport;
using Microsoft.Extensions.Logging.Abstractions;

namespace KvCloud.Tests.Node.Replication;

/// <summary>
/// A group of three with real directories and sockets: nobody votes before all have met, so that none who lost its disk
/// finds one who does not know it.
/// </summary>
public sealed class GroupBootstrapTests : IAsyncLifetime, IDisposable
{
    private const int Voters = 3;

    /// <summary>Several election timeouts: whoever could lead would.</summary>
    private static readonly TimeSpan LongEnough = TimeSpan.FromSeconds(2);

    private readonly TemporaryDirectory _directory = new();
    private readonly Transport.Directory _addresses = new();
    private readonly Member?[] _members = new Member?[Voters];

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        for (int id = 0; id < Voters; id++)
        {
            await StopAsync(id);
        }
    }

    /// <summary>After <see cref="DisposeAsync"/>.</summary>
    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Replica_that_has_not_met_all_others_neither_leads_nor_votes()
    {
        await StartAsync(0);
        await StartAsync(1);
        await NotMetAsync(0, 2);
        await NotMetAsync(1, 2);
        await NobodyLeadsAsync();
        Assert.Equal(KvStatus.NoLeader, (await WriteAsync(0)).Code);

        await StartAsync(2);
        Assert.Equal(KvStatus.Ok, (await WriteToLeaderAsync()).Code);
    }

    [Fact]
    public async Task Replica_of_a_group_that_has_begun_needs_only_a_quorum_from_then_on()
    {
        await StartAllAsync();
        await WriteToLeaderAsync();
        await Eventually.TrueAsync(
            () => Array.TrueForAll(_members, member => member!.Bootstrap.IsFormed), () => "all are formed");
        for (int id = 0; id < Voters; id++)
        {
            await StopAsync(id);
        }

        await StartAsync(1);
        await StartAsync(2);

        Assert.Equal(KvStatus.Ok, (await WriteToLeaderAsync()).Code);
    }

    /// <summary>
    /// What was a hole: 0 and 1 decide while 2 was never started, 0 loses its disk, 1 is down, and 0 and 2 make a
    /// quorum.
    /// </summary>
    [Fact]
    public async Task Replica_that_lost_its_disk_and_one_that_never_met_it_decide_nothing()
    {
        await StartAsync(0);
        await StartAsync(1);
        await NotMetAsync(0, 2);
        await NotMetAsync(1, 2);
        await StopAsync(0);
        await StopAsync(1);
        Wipe(0);

        await StartAsync(0);
        await StartAsync(2);
        await NotMetAsync(0, 1);
        await NotMetAsync(2, 1);
        await NobodyLeadsAsync();

        // 1 met the old one, and does not let the new one in: no group comes of these three.
        await StartAsync(1);
        await NobodyLeadsAsync();
        Assert.Contains(1, _members[0]!.Bootstrap.NotMet);
        Assert.All(_members, member => Assert.Equal(Slot.Zero, member!.Storage.Log.LastSlot));
    }

    [Fact]
    public async Task Replica_that_lost_its_disk_after_the_group_had_begun_never_votes_again()
    {
        await StartAllAsync();
        await WriteToLeaderAsync();
        await Eventually.TrueAsync(
            () => Array.TrueForAll(_members, member => member!.Bootstrap.IsFormed), () => "all are formed");
        await StopAsync(1);
        await StopAsync(0);
        Wipe(0);

        await StartAsync(0);
        await NobodyLeadsAsync();
        Assert.Equal([1, 2], _members[0]!.Bootstrap.NotMet);
    }

    private async Task StartAllAsync()
    {
        for (int id = 0; id < Voters; id++)
        {
            await StartAsync(id);
        }
    }

    private async Task StartAsync(int id)
    {
        _members[id] = new Member(id, _directory.Sub($"node_{id}"), _addresses);
        await _members[id]!.Replica.StartAsync(_ => { }, CancellationToken.None);
        _addresses[id] = _members[id]!.Transport.ListenEndPoint;
    }

    private async Task StopAsync(int id)
    {
        if (_members[id] is Member member)
        {
            _members[id] = null;
            await member.Replica.DisposeAsync();
            member.Storage.Dispose();
            Assert.Null(member.Failure);
        }
    }

    private void Wipe(int id) => System.IO.Directory.Delete(_directory.Sub($"node_{id}"), recursive: true);

    private Task NotMetAsync(int id, params int[] others) => Eventually.TrueAsync(
        () => _members[id]!.Bootstrap.NotMet.SequenceEqual(others),
        () => $"{id} has met all but {string.Join(", ", others)}");

    private async Task NobodyLeadsAsync()
    {
        await Task.Delay(LongEnough);
        Assert.All(_members.OfType<Member>(), member => Assert.Null(member.Replica.Driver.Status.Leader));
    }

    private async Task<CommandResult> WriteToLeaderAsync()
    {
        Member? leader = null;
        await Eventually.TrueAsync(
            () => (leader = _members.FirstOrDefault(member => member?.Replica.Driver.HasLease ?? false)) is not null,
            () => "somebody leads");
        return await WriteAsync(leader!.Id);
    }

    private Task<CommandResult> WriteAsync(int id)
    {
        var write = new Write();
        _members[id]!.Replica.Driver.Write(write);
        return write.Result.WaitAsync(TimeSpan.FromSeconds(20));
    }

    private sealed class Member
    {
        public Member(int id, string path, Transport.Directory addresses)
        {
            Id = id;
            string voters = GroupTerms.Describe(Enumerable.Range(0, Voters));
            var directory = DataDirectory.Open(SystemFiles.Instance, path, "test", id, voters);
            Storage = ReplicaStorage.Open(
                SystemFiles.Instance, directory, _ => new MemoryKvStore(), SegmentedLogOptions.Default);
            int[] peers = [.. Enumerable.Range(0, Voters).Where(other => other != id)];
            Bootstrap = new Bootstrap(peers, directory.Identity.IsFormed, directory.NoteFormed);
            Transport = new TcpTransport(
                new PeerIdentity(
                    "test", id, directory.Identity.Incarnation, "", "", new GroupTerms(voters, 400, 320)),
                peers,
                new IPEndPoint(IPAddress.Loopback, 0),
                addresses.ResolveAsync,
                Storage.Incarnations,
                Bootstrap,
                TestNode.Quick,
                NullLogger<TcpTransport>.Instance);
            Replica = new Replica(
                new PaxosConfig
                {
                    Self = new NodeId(id),
                    Voters = [.. Enumerable.Range(0, Voters).Select(voter => new NodeId(voter))],
                    Seed = (ulong)id + 1,
                },
                Storage.Log,
                Storage.Executor,
                Transport,
                Bootstrap,
                new ReplicationOptions(),
                new ThreadRuntime(TimeProvider.System),
                Storage.Space,
                exception => Failure = exception);
        }

        public int Id { get; }

        public ReplicaStorage Storage { get; }

        public Bootstrap Bootstrap { get; }

        public TcpTransport Transport { get; }

        public Replica Replica { get; }

        public Exception? Failure { get; private set; }
    }

    private sealed class Write : PendingWrite
    {
        private readonly TaskCompletionSource<CommandResult> _result =
            new(TaskCreationOptions.RunContinuationsAsynchronously);

        [System.Diagnostics.CodeAnalysis.SetsRequiredMembers]
        public Write()
        {
            Command = CommandCodec.Encode(new SetCommand(null, "key"u8.ToArray(), "value"u8.ToArray()));
            DeadlineMs = Environment.TickCount64 + 60_000;
        }

        public Task<CommandResult> Result => _result.Task;

        protected override void Complete(in CommandResult result) => _result.SetResult(result);
    }
}
