using KvCloud.Consensus;
using KvCloud.Node.Files;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.Replication.Workers;
using KvCloud.Node.State;
using KvCloud.Node.Storage;
using KvCloud.Node.Transport;
using KvCloud.Tests.Node.Rpc;

namespace KvCloud.Tests.Node.Replication;

/// <summary>A replica whose disk fails must not stand in the way of the others while it stops.</summary>
public sealed class ReplicaFailureTests
{
    private const int Replicas = 3;

    [Fact]
    public async Task ConsensusDriver_leader_whose_data_store_fails_gives_up_leading_and_answers_what_waits()
    {
        var network = new InMemoryNetwork();
        BreakableStore[] stores = [.. Enumerable.Range(0, Replicas).Select(_ => new BreakableStore())];
        var failed = new TaskCompletionSource<Exception>(TaskCreationOptions.RunContinuationsAsynchronously);
        Replica[] replicas =
        [
            .. Enumerable.Range(0, Replicas)
                .Select(id => Make(id, network, stores[id], exception => failed.TrySetResult(exception))),
        ];
        try
        {
            foreach (Replica replica in replicas)
            {
                await replica.StartAsync(_ => { }, CancellationToken.None);
            }

            await ConnectionTests.Eventually(() => Array.Exists(replicas, replica => replica.Driver.HasLease));
            int leader = Array.FindIndex(replicas, replica => replica.Driver.HasLease);
            stores[leader].IsBroken = true;
            var first = new Write();
            replicas[leader].Driver.Write(first);
            await failed.Task.WaitAsync(TimeSpan.FromSeconds(5));

            // Nobody has stopped the replica yet: that waits until its clients' calls have ended.
            CommandResult result = await first.Result.WaitAsync(TimeSpan.FromSeconds(5));
            Assert.Equal(KvStatus.OutcomeUnknown, result.Code);
            var second = new Write();
            replicas[leader].Driver.Write(second);
            Assert.Equal(KvStatus.ShuttingDown, (await second.Result.WaitAsync(TimeSpan.FromSeconds(5))).Code);
            Assert.False(replicas[leader].Driver.HasLease);
            Assert.NotEqual(Role.Leader, replicas[leader].Driver.Status.Role);

            await ConnectionTests.Eventually(
                () => replicas.Where((_, id) => id != leader).Any(replica => replica.Driver.HasLease));
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
    public async Task LogTrimmer_flush_of_the_data_store_that_fails_stops_the_replica()
    {
        using var store = new BreakableStore();
        var failed = new TaskCompletionSource<Exception>(TaskCreationOptions.RunContinuationsAsynchronously);
        Replica replica = Make(
            0, new InMemoryNetwork(), store, exception => failed.TrySetResult(exception), voters: 1,
            options: new ReplicationOptions { TrimIntervalMs = 20, IdleFlushMs = 20 });
        await replica.StartAsync(_ => { }, CancellationToken.None);
        await ConnectionTests.Eventually(() => replica.Driver.HasLease);
        store.FailsToFlush = true;
        replica.Driver.Write(new Write());

        Exception failure = await failed.Task.WaitAsync(TimeSpan.FromSeconds(5));

        Assert.IsType<StoreFailedException>(failure);
        Assert.False(replica.Driver.HasLease);
        var after = new Write();
        replica.Driver.Write(after);
        Assert.NotEqual(KvStatus.Ok, (await after.Result.WaitAsync(TimeSpan.FromSeconds(5))).Code);
        await replica.DisposeAsync();
    }

    /// <summary>What a checksum has caught closes the store, but the votes of this replica are on its log.</summary>
    [Fact]
    public async Task ConsensusDriver_leader_whose_data_are_damaged_gives_up_leading_and_goes_on_voting()
    {
        var network = new InMemoryNetwork();
        BreakableStore[] stores = [.. Enumerable.Range(0, Replicas).Select(_ => new BreakableStore())];
        Exception? failure = null;
        Replica[] replicas =
        [
            .. Enumerable.Range(0, Replicas)
                .Select(id => Make(id, network, stores[id], exception => failure = exception)),
        ];
        try
        {
            foreach (Replica replica in replicas)
            {
                await replica.StartAsync(_ => { }, CancellationToken.None);
            }

            await ConnectionTests.Eventually(() => Array.Exists(replicas, replica => replica.Driver.HasLease));
            int damaged = Array.FindIndex(replicas, replica => replica.Driver.HasLease);
            int gone = (damaged + 1) % Replicas;
            stores[damaged].IsDamaged = true;
            var first = new Write();
            replicas[damaged].Driver.Write(first);

            CommandResult result = await first.Result.WaitAsync(TimeSpan.FromSeconds(5));
            Assert.Equal(KvStatus.OutcomeUnknown, result.Code);
            Assert.False(replicas[damaged].Driver.HasLease);
            Assert.NotEqual(Role.Leader, replicas[damaged].Driver.Status.Role);
            Assert.Contains("000012.sst", replicas[damaged].Driver.DataTrouble, StringComparison.Ordinal);

            // With its vote alone the last sound replica leads, and gets writes chosen.
            await replicas[gone].DisposeAsync();
            Replica last = replicas[3 - damaged - gone];
            await ConnectionTests.Eventually(() => last.Driver.HasLease);
            var second = new Write();
            last.Driver.Write(second);
            Assert.Equal(KvStatus.Ok, (await second.Result.WaitAsync(TimeSpan.FromSeconds(5))).Code);
            Assert.Null(failure);
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
    public async Task ConsensusDriver_log_write_that_fails_stops_the_replica_and_acknowledges_nothing()
    {
        using var store = new BreakableStore();
        using var log = new MemoryPaxosLog();
        var failed = new TaskCompletionSource<Exception>(TaskCreationOptions.RunContinuationsAsynchronously);
        Replica replica = Make(
            0, new InMemoryNetwork(), store, exception => failed.TrySetResult(exception), voters: 1, log);
        await replica.StartAsync(_ => { }, CancellationToken.None);
        await ConnectionTests.Eventually(() => replica.Driver.HasLease);
        log.Writing = _ => throw new LogFailedException("fdatasync of the log failed: Input/output error");
        var write = new Write();

        replica.Driver.Write(write);

        Assert.IsType<LogFailedException>(await failed.Task.WaitAsync(TimeSpan.FromSeconds(5)));
        Assert.False(replica.Driver.HasLease);
        await replica.DisposeAsync();
        Assert.Equal(KvStatus.OutcomeUnknown, (await write.Result.WaitAsync(TimeSpan.FromSeconds(5))).Code);
    }

    [Fact]
    public async Task ConsensusDriver_write_that_comes_while_it_stops_is_answered()
    {
        var network = new InMemoryNetwork();
        using var store = new BreakableStore();
        Replica replica = Make(0, network, store, _ => { }, voters: 1);
        await replica.StartAsync(_ => { }, CancellationToken.None);
        await ConnectionTests.Eventually(() => replica.Driver.HasLease);
        using var stop = new CancellationTokenSource();
        var writes = new List<Write>();
        var writer = Task.Run(
            () =>
            {
                while (!stop.IsCancellationRequested && writes.Count < 200_000)
                {
                    writes.Add(new Write());
                    replica.Driver.Write(writes[^1]);
                }
            },
            CancellationToken.None);

        await Task.Delay(100);
        await replica.DisposeAsync();
        await stop.CancelAsync();
        await writer;

        Assert.NotEmpty(writes);
        Assert.All(writes, write => Assert.True(write.IsFinished));
    }

    private static Replica Make(
        int self,
        InMemoryNetwork network,
        BreakableStore store,
        Action<Exception> onFatal,
        int voters = Replicas,
        MemoryPaxosLog? log = null,
        ReplicationOptions? options = null) => new(
        new PaxosConfig
        {
            Self = new NodeId(self),
            Voters = [.. Enumerable.Range(0, voters).Select(id => new NodeId(id))],
            Seed = (ulong)self + 1,
        },
        log ?? new MemoryPaxosLog(),
        new KvStoreExecutor(store),
        network.Join(
            new PeerIdentity("test", self, 1, "", "", new GroupTerms("0,1,2", 400, 320)),
            Enumerable.Range(0, voters).Where(id => id != self)),
        Bootstrap.Done,
        options ?? new ReplicationOptions(),
        new ThreadRuntime(TimeProvider.System),
        new SpaceWatch(SystemFiles.Instance, Path.GetTempPath(), SpaceOptions.Off),
        onFatal);

    private sealed class Write : PendingWrite
    {
        private readonly TaskCompletionSource<CommandResult> _result = new(
            TaskCreationOptions.RunContinuationsAsynchronously);

        [System.Diagnostics.CodeAnalysis.SetsRequiredMembers]
        public Write()
        {
            Command = CommandCodec.Encode(new SetCommand(null, "key"u8.ToArray(), "value"u8.ToArray()));
            DeadlineMs = Environment.TickCount64 + 60_000;
        }

        public Task<CommandResult> Result => _result.Task;

        protected override void Complete(in CommandResult result) => _result.SetResult(result);
    }

    /// <summary>The store in memory, which refuses writes from some moment on, as a full disk does.</summary>
    private sealed class BreakableStore : IKvStore
    {
        private readonly MemoryKvStore _inner = new();

        public volatile bool IsBroken;

        public volatile bool IsDamaged;

        public volatile bool FailsToFlush;

        public bool TryGet(KvTable table, ReadOnlySpan<byte> key, ref ValueBuffer value) =>
            _inner.TryGet(table, key, ref value);

        public IKvIterator Iterate(KvTable table) => _inner.Iterate(table);

        public bool TryGetNewest(ReadOnlySpan<byte> key, ref ValueBuffer value) => _inner.TryGetNewest(key, ref value);

        public bool TryGetAt(ReadOnlySpan<byte> key, CommitVersion at, ref ValueBuffer value) =>
            _inner.TryGetAt(key, at, ref value);

        public IKvIterator IterateNewest() => _inner.IterateNewest();

        public IKvIterator IterateAt(CommitVersion at) => _inner.IterateAt(at);

        public IKvBatch CreateBatch() => _inner.CreateBatch();

        public void Write(IKvBatch batch)
        {
            if (IsBroken)
            {
                throw new StoreFailedException("no space left on device");
            }

            if (IsDamaged)
            {
                throw new StoreCorruptException("block checksum mismatch", "000012.sst");
            }

            _inner.Write(batch);
        }

        public void Flush()
        {
            if (FailsToFlush)
            {
                throw new StoreFailedException("IO error: While fsync 000012.sst: Input/output error");
            }

            _inner.Flush();
        }

        public bool IsFlushed => _inner.IsFlushed;

        public void CreateCheckpoint(IFileSystem files, string directory) => _inner.CreateCheckpoint(files, directory);

        public void RaiseOldestReadable(CommitVersion oldest) => _inner.RaiseOldestReadable(oldest);

        public VersionFigures CountVersions() => _inner.CountVersions();

        public bool CompactPiece(long bytes) => _inner.CompactPiece(bytes);

        public StoreFigures GetFigures() => _inner.GetFigures();

        public void CheckBackground() => _inner.CheckBackground();

        public IStoreScrub BeginScrub(IFileSystem files) => _inner.BeginScrub(files);

        public IReadOnlyList<StoreFile> ListFiles() => _inner.ListFiles();

        public void Dispose() => _inner.Dispose();
    }
}
