using System.Text;
using KvCloud.Consensus;
using KvCloud.Node.Access;
using KvCloud.Node.Files;
using KvCloud.Node.Operations;
using KvCloud.Node.State;
using KvCloud.Node.Storage;

namespace KvCloud.Tests.Simulation;

/// <summary>
/// A replica's data: the production executor on the production in-memory store. What was applied since the last flush
/// is lost in a crash.
/// </summary>
internal sealed class SimStore(SimWorld world) : IDisposable
{
    /// <summary>What a read shows of a column family that is not there.</summary>
    public const string NoFamily = "no column family";

    /// <summary>One for each table, and one of the versions.</summary>
    private static readonly int FilesOfACheckpoint = Enum.GetValues<KvTable>().Length + 1;

    private MemoryKvStore _store = new();
    private KvStoreExecutor? _executor;

    /// <summary>Of the start that is under way.</summary>
    public KvStoreExecutor Executor
    {
        get => _executor!;
        set
        {
            _executor = value;
            AppliedSlot = value.AppliedSlot;
        }
    }

    public Slot AppliedSlot { get; private set; }

    /// <summary>What it has durably, whether the node is up or down.</summary>
    public Slot DurableSlot => _executor?.DurableSlot ?? AppliedSlot;

    public ulong Hash => Executor.Applied.StateHash;

    public CommitVersion AppliedVersion => Executor.Reader.AppliedVersion;

    public static byte[] Encode(SimOp op)
    {
        ReadOnlyMemory<byte> value = op.Keys.Count == 0 ? default : Bytes(op.ValueOf(0));
        MutationKind kind = op.IsStamped ? MutationKind.SetVersionstampedValue : MutationKind.Set;
        string room = op.IsStamped ? new string('\0', KvLimits.VersionstampSizeBytes) : "";
        KvCommand command = op.Kind switch
        {
            SimOpKind.OpenSession => new OpenSessionCommand(),
            SimOpKind.CreateFamily => new CreateColumnFamilyCommand(SimOp.Family),
            SimOpKind.ChangeAccess => new ChangeAccessCommand(op.Access!.Encode()),
            SimOpKind.Set => new SetCommand(FamilyOf(op.Keys[0]), Bytes(op.Keys[0]), value),
            SimOpKind.Delete => new DeleteCommand(FamilyOf(op.Keys[0]), Bytes(op.Keys[0])),
            SimOpKind.Commit => new CommitCommand(
                new CommitVersion(op.ReadVersion),
                [.. op.Keys.Select((key, index) => new Mutation(
                    kind, FamilyOf(key), Bytes(key), Bytes(op.ValueOf(index) + room)))],
                [.. op.ConflictKeys.Select(key => new ConflictKey(FamilyOf(key), Bytes(key)))],
                op.ConflictRange is (string first, string last)
                    ? [new ConflictRange(null, Bytes(first), Bytes(last + '\0'))]
                    : []),
            _ => throw new InvalidOperationException($"{op} is no write"),
        };
        command = op.Principal is null ? command : command with { Principal = PrincipalCodec.Encode(op.Principal) };
        return CommandCodec.Encode(op.Identity is SimIdentity identity
            ? command with
            {
                Identity = new RequestIdentity(identity.Session, identity.Sequence, identity.AcknowledgedBelow),
            }
            : command);
    }

    /// <summary>
    /// Its data is not on the disk, unless a snapshot was put there: that takes the place of what it has.
    /// </summary>
    public IKvStore Open(bool isNew, SimDisk disk, string path)
    {
        if (isNew)
        {
            // A data directory that was never finished has no data either.
            _store = new MemoryKvStore();
        }

        if (disk.DirectoryExists(path) && disk.ListFiles(path) is { Count: > 0 } files)
        {
            // A crash during the start that took them may leave some of the files.
            if (files.Count == FilesOfACheckpoint)
            {
                _store = MemoryKvStore.Load(disk, path);
            }

            foreach (string file in files)
            {
                disk.Delete(file);
            }

            disk.FlushDirectory(path);
        }

        return world.Sabotage is Sabotage.StoreLosesWrites or Sabotage.DamagedStoreServes
            ? new BrokenKvStore(_store, world)
            : _store;
    }

    /// <summary>
    /// Takes the data of a directory that was made for a new group, so that they are here before the first start.
    /// </summary>
    public void Take(SimDisk disk, string path)
    {
        Open(isNew: false, disk, path);
        if (world.Sabotage is Sabotage.RestoresForgetAnswers)
        {
            ForgetAnswers();
            _store.Flush();
        }

        AppliedSlot = KvStoreExecutor.ReadApplied(_store)!.Slot;
    }

    /// <summary>Writes what a crash has left as files, unless a snapshot lies there that takes its place.</summary>
    public void CopyTo(SimDisk disk, string path)
    {
        if (!disk.DirectoryExists(path) || disk.ListFiles(path).Count != FilesOfACheckpoint)
        {
            disk.DeleteDirectory(path);
            _store.CreateCheckpoint(disk, path);
        }
    }

    /// <summary>More is applied, and readable.</summary>
    public void NoteApplied() => AppliedSlot = Executor.AppliedSlot;

    /// <summary>The value of a key at a version, or as it is now.</summary>
    public SimReadAnswer Read(SimReadAnswer answer, string key, CommitVersion? at = null)
    {
        GetResult result = Executor.Reader.Get(FamilyOf(key), Bytes(key), at);
        return result.Code switch
        {
            KvStatus.ColumnFamilyNotFound => answer with { Value = NoFamily },
            KvStatus.VersionTooOld when at is not null => answer with { IsTooOld = true },
            KvStatus.Ok when result.Value is null => answer,
            KvStatus.Ok => answer with
            {
                Value = Encoding.Latin1.GetString(result.Value),
                Version = result.Version.Value,
            },
            _ => throw new SimFailureException($"a read of {key} answers {result.Code}: {result.Message}"),
        };
    }

    /// <summary>The keys from the first to the last, both included, at a version or as they are now.</summary>
    public SimReadAnswer ReadRange(SimReadAnswer answer, string first, string last, CommitVersion? at = null)
    {
        var query = new RangeQuery(
            Bytes(first), true, 0, Bytes(last), true, 0, 0, int.MaxValue);
        RangeResult result = Executor.Reader.GetRange(null, query, at);
        return result.Code switch
        {
            KvStatus.VersionTooOld when at is not null => answer with { IsTooOld = true },
            KvStatus.Ok when !result.HasMore => answer with
            {
                Rows = result.Rows.ToDictionary(
                    row => Encoding.Latin1.GetString(row.Key), row => Encoding.Latin1.GetString(row.Value)),
            },
            _ =>
                throw new SimFailureException($"a read from {first} to {last} answers {result.Code}: {result.Message}"),
        };
    }

    public void Crash()
    {
        _executor?.Dispose();
        _executor = null;
        _store.RestoreLastFlush();
        using var restored = new KvStoreExecutor(_store, world.Profile.SessionLimits);
        AppliedSlot = restored.AppliedSlot;
    }

    /// <summary>A block of it cannot be read any more. False where there is none.</summary>
    public bool Rot() => _store.TryDamage(AnyPlace());

    /// <summary>A row is gone as if it had never been written.</summary>
    public void DropRow()
    {
        if (_store.TryDropSilently(AnyPlace()))
        {
            world.Trace($"a row is gone that no checksum misses");
        }
    }

    /// <summary>Whether it has gone bad, noticed or not.</summary>
    public bool IsRotten => _store.IsDamaged;

    private byte[] AnyPlace() => [0, 0, 0, 0, .. Bytes(world.Keys[world.Random.Next(world.Keys.Count)])];

    /// <summary>The store loses the answers of all sessions.</summary>
    public void ForgetAnswers()
    {
        using IKvBatch batch = _store.CreateBatch();
        using IKvIterator answers = _store.Iterate(KvTable.Sessions);
        for (answers.Seek("a"u8); answers.IsValid && answers.Key[0] == 'a'; answers.MoveNext())
        {
            batch.Delete(KvTable.Sessions, answers.Key);
        }

        _store.Write(batch);
    }

    public void Wipe()
    {
        _store.Dispose();
        _store = new MemoryKvStore();
        AppliedSlot = Slot.Zero;
    }

    public void Dispose()
    {
        _executor?.Dispose();
        _store.Dispose();
    }

    private static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);

    private static string? FamilyOf(string key) => SimModel.IsOfFamily(key) ? SimOp.Family : null;

    /// <summary>
    /// A store that forgets a batch now and then, or has nothing to say of what it cannot read: see
    /// <see cref="Sabotage.StoreLosesWrites"/> and <see cref="Sabotage.DamagedStoreServes"/>.
    /// </summary>
    private sealed class BrokenKvStore(MemoryKvStore store, SimWorld world) : IKvStore
    {
        private bool Serves => world.Sabotage is Sabotage.DamagedStoreServes;

        public bool TryGet(KvTable table, ReadOnlySpan<byte> key, ref ValueBuffer value) =>
            store.TryGet(table, key, ref value);

        public IKvIterator Iterate(KvTable table) => store.Iterate(table);

        public bool TryGetNewest(ReadOnlySpan<byte> key, ref ValueBuffer value)
        {
            try
            {
                return store.TryGetNewest(key, ref value);
            }
            catch (StoreCorruptException) when (Serves)
            {
                return false;
            }
        }

        public bool TryGetAt(ReadOnlySpan<byte> key, CommitVersion at, ref ValueBuffer value)
        {
            try
            {
                return store.TryGetAt(key, at, ref value);
            }
            catch (StoreCorruptException) when (Serves)
            {
                return false;
            }
        }

        public IKvIterator IterateNewest() => store.IterateNewest();

        public IKvIterator IterateAt(CommitVersion at) => store.IterateAt(at);

        public IKvBatch CreateBatch() => store.CreateBatch();

        public void Write(IKvBatch batch)
        {
            if (Serves || !world.Random.Chance(5))
            {
                store.Write(batch);
            }
        }

        public void Flush() => store.Flush();

        public bool IsFlushed => store.IsFlushed;

        public void CreateCheckpoint(IFileSystem files, string directory) => store.CreateCheckpoint(files, directory);

        public void RaiseOldestReadable(CommitVersion oldest) => store.RaiseOldestReadable(oldest);

        public VersionFigures CountVersions() => store.CountVersions();

        public bool CompactPiece(long bytes) => store.CompactPiece(bytes);

        public StoreFigures GetFigures() => store.GetFigures();

        public void CheckBackground() => store.CheckBackground();

        public IStoreScrub BeginScrub(IFileSystem files) =>
            Serves ? new MemoryKvStore().BeginScrub(files) : store.BeginScrub(files);

        public IReadOnlyList<StoreFile> ListFiles() => store.ListFiles();

        public void Dispose()
        {
        }
    }
}
