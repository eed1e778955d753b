using System.Globalization;
using KvCloud.Consensus;
using KvCloud.Node.Files;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication.Backup;
using KvCloud.Node.Replication.Snapshots;
using KvCloud.Node.State;
using KvCloud.Node.Storage;
using KvCloud.Node.Transport;
using KvCloud.Tests.Node.Rpc;
using KvCloud.Tests.Node.State;
using KvCloud.Tests.Node.Storage;
using SnapshotFile = KvCloud.Node.Replication.Snapshots.SnapshotFile;

namespace KvCloud.Tests.Node.Replication.Backup;

/// <summary>
/// A replica's data store and log, what it offers to backups, and a reader that puts what it gets into a staging
/// directory as `kv backup` does.
/// </summary>
internal sealed class BackupFixture : IDisposable
{
    public const string ClusterId = "source";
    public const long ReaderId = 77;

    private readonly TemporaryDirectory _temporary = new();

    public BackupFixture(string kind = "memory", SnapshotOptions? options = null)
    {
        Kind = kind;
        string data = _temporary.Sub("data");
        var memory = new MemoryKvStore();
        State = new StateHarness(
            () => kind == "memory" ? memory : RocksKvStore.Open(data, new StoreOptions()),
            store => throw new NotSupportedException("this test does not crash"));
        var runtime = new ManualRuntime(Clock);
        var place = new SnapshotPlace(
            SystemFiles.Instance, new SnapshotPaths(_temporary.Path), ClusterId, OpenCopy, () => { }, Told.Add);
        Server = new SnapshotServer(
            new NodeId(1), State.Executor,
            InMemoryTransport.Alone(new PeerIdentity(ClusterId, 1, 1, "", "", new GroupTerms("1", 400, 320))),
            place, runtime, options ?? new SnapshotOptions());
        Reads = new BackupReads(new NodeId(1), ClusterId, State.Executor, Log, Server, () => Wakes++);
        Directory.CreateDirectory(Path.Combine(Staging, "data"));
        Directory.CreateDirectory(Path.Combine(Staging, "log"));
    }

    public string Kind { get; }

    public ManualClock Clock { get; } = new();

    public StateHarness State { get; }

    public MemoryPaxosLog Log { get; } = new();

    public SnapshotServer Server { get; }

    public BackupReads Reads { get; }

    public int Wakes { get; private set; }

    public List<string> Told { get; } = [];

    public string Staging => _temporary.Sub("staging");

    public string Target => _temporary.Sub("target");

    public string Sub(string name) => _temporary.Sub(name);

    /// <summary>One slot with these commands, chosen, applied and in the log.</summary>
    public IReadOnlyList<CommandResult> Apply(params IReadOnlyList<KvCommand> commands)
    {
        IReadOnlyList<CommandResult> results = State.Apply(commands);
        NoteInLog();
        return results;
    }

    public void ApplyValue(Value value)
    {
        State.Log.Add(new ChosenEntry(new Slot(State.Log.Count + 1), value));
        State.ApplyChosen();
        NoteInLog();
    }

    /// <summary>A snapshot above the slot, made if there is none.</summary>
    public ServedSnapshot TakeSnapshot(long above = -1)
    {
        for (int attempt = 0; attempt < 100; attempt++)
        {
            if (Reads.OpenSnapshot(ReaderId, new Slot(above), out ServedSnapshot? snapshot, out string? error)
                == BackupOutcome.Ready)
            {
                return snapshot!;
            }

            Assert.Null(error);
            Server.Run();
        }

        throw new TimeoutException("no snapshot is ever ready");
    }

    /// <summary>Puts all files of a snapshot into the staging directory.</summary>
    public ServedSnapshot StageSnapshot(long above = -1)
    {
        ServedSnapshot snapshot = TakeSnapshot(above);
        for (int file = 0; file < snapshot.Manifest.Files.Count; file++)
        {
            SnapshotFile of = snapshot.Manifest.Files[file];
            using FileStream to = File.Create(Path.Combine(Staging, "data", of.Name));
            while (to.Position < of.SizeBytes)
            {
                Assert.Equal(
                    BackupOutcome.Ready,
                    Reads.ReadSnapshot(ReaderId, snapshot.Id, file, to.Position, 1000, out byte[] piece));
                to.Write(piece);
            }
        }

        return snapshot;
    }

    /// <summary>Puts the log from the slot on into the staging directory, in blocks of about so many bytes.</summary>
    public void StageLog(long from, int maxBytes = 200)
    {
        while (Reads.ReadLog(ReaderId, new Slot(from), maxBytes) is { Outcome: BackupOutcome.Ready } read)
        {
            File.WriteAllBytes(BlockFile(from), read.Block!.Encode());
            from = read.Block.Last.Next.Value;
        }
    }

    public string BlockFile(long from) =>
        Path.Combine(Staging, "log", string.Create(CultureInfo.InvariantCulture, $"{from:D20}.log"));

    public IKvStore OpenStore(string path) => Kind == "memory"
        ? MemoryKvStore.Load(SystemFiles.Instance, path)
        : RocksKvStore.Open(path, new StoreOptions());

    public void Dispose()
    {
        Server.Dispose();
        State.Dispose();
        _temporary.Dispose();
    }

    private IKvStore OpenCopy(string path) => Kind == "memory"
        ? MemoryKvStore.Load(SystemFiles.Instance, path)
        : RocksKvStore.OpenReadOnly(path, new StoreOptions());

    private void NoteInLog()
    {
        ChosenEntry chosen = State.Log[^1];
        var effects = new Effects { ChosenSlot = chosen.Slot };
        effects.Append.Add(new LogEntry(chosen.Slot, new Ballot(1, new NodeId(0)), chosen.Value));
        Log.Write([effects]);
    }
}
