using System.Diagnostics.CodeAnalysis;
using KvCloud.Consensus;
using KvCloud.Node.Files;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Workers;
using KvCloud.Node.State;
using KvCloud.Node.Storage;
using KvCloud.Node.Transport;
using KvCloud.Tests.Node.Rpc;

namespace KvCloud.Tests.Node.Replication;

/// <summary>Three replicas, with threads and without disks, and who are their members.</summary>
public sealed class MemberChangesTests
{
    private const int Replicas = 3;

    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task MemberChanges_leader_that_is_to_be_removed_has_another_lead_which_removes_it()
    {
        var network = new InMemoryNetwork();
        Replica[] replicas = [.. Enumerable.Range(0, Replicas).Select(id => Make(id, network))];
        try
        {
            foreach (Replica replica in replicas)
            {
                await replica.StartAsync(_ => { }, CancellationToken.None);
            }

            await ConnectionTests.Eventually(() => Array.Exists(replicas, replica => replica.Driver.HasLease));
            int first = Array.FindIndex(replicas, replica => replica.Driver.HasLease);
            CommandResult refused = await RemoveAsync(replicas[first], first);

            // Which of the two it is depends on whether it has heard yet who leads now.
            Assert.True(refused.Code is KvStatus.NotLeader or KvStatus.NoLeader, $"{refused.Code}: {refused.Message}");
            Replica[] others = [.. replicas.Where((_, id) => id != first)];
            await ConnectionTests.Eventually(() => Array.Exists(others, replica => replica.Driver.HasLease));
            Replica second = Array.Find(others, replica => replica.Driver.HasLease)!;
            Assert.Equal(Replicas, second.Driver.Status.Members.Members.Count);

            Assert.Equal(KvStatus.Ok, (await RemoveAsync(second, first)).Code);
            Assert.Null(second.Driver.Status.Members.Find(new NodeId(first)));
        }
        finally
        {
            foreach (Replica replica in replicas)
            {
                await replica.DisposeAsync();
            }
        }
    }

    [Fact]
    public async Task Removed_with_reads_that_wait_for_a_leader_answers_them_and_later_ones_at_once()
    {
        // None of the others is there to confirm a read index, as for a replica that the group has removed.
        await using Replica replica = Make(0, new InMemoryNetwork());
        await replica.StartAsync(_ => { }, CancellationToken.None);
        var waiting = new Read();
        replica.Driver.ReadIndex(waiting);
        replica.Removed();
        Assert.Equal(ReadStatus.NotConfirmed, (await waiting.Result.WaitAsync(AnswerTimeout)).Status);

        var later = new Read();
        replica.Driver.ReadIndex(later);
        Assert.Equal(ReadStatus.NotConfirmed, (await later.Result.WaitAsync(AnswerTimeout)).Status);
    }

    private static Task<CommandResult> RemoveAsync(Replica asked, int node)
    {
        var change = new Change
        {
            Change = new MemberChange(MemberAction.Remove, new NodeId(node), IsForced: true),
            DeadlineMs = Environment.TickCount64 + (long)AnswerTimeout.TotalMilliseconds,
        };
        asked.Driver.Change(change);
        return change.Result.WaitAsync(AnswerTimeout);
    }

    private static Replica Make(int self, InMemoryNetwork network) => new(
        new PaxosConfig
        {
            Self = new NodeId(self),
            Voters = [.. Enumerable.Range(0, Replicas).Select(id => new NodeId(id))],
            Seed = (ulong)self + 1,
        },
        new MemoryPaxosLog(),
        new KvStoreExecutor(new MemoryKvStore()),
        network.Join(
            new PeerIdentity("test", self, 1, "", "", new GroupTerms("0,1,2", 400, 320)),
            Enumerable.Range(0, Replicas).Where(id => id != self)),
        Bootstrap.Done,
        new ReplicationOptions(),
        new ThreadRuntime(TimeProvider.System),
        new SpaceWatch(SystemFiles.Instance, Path.GetTempPath(), SpaceOptions.Off),
        _ => { });

    private sealed class Change : PendingMemberChange
    {
        private readonly TaskCompletionSource<CommandResult> _result = new(
            TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<CommandResult> Result => _result.Task;

        protected override void Complete(in CommandResult result) => _result.SetResult(result);
    }

    private sealed class Read : PendingRead
    {
        private readonly TaskCompletionSource<ReadOutcome> _result = new(
            TaskCreationOptions.RunContinuationsAsynchronously);

        [SetsRequiredMembers]
        public Read() => DeadlineMs = long.MaxValue;

        public Task<ReadOutcome> Result => _result.Task;

        protected override void Complete(in ReadOutcome outcome) => _result.SetResult(outcome);
    }
}
