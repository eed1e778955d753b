using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using KvCloud.Consensus;
using KvCloud.Node.Access;
using KvCloud.Node.Operations;
using KvCloud.Node.Storage;

namespace KvCloud.Node.State;

/// <summary>
/// Defines what commands do. Deterministic: from the same slots every replica produces the same keys, versions and
/// answers, regardless of its clock, its settings, the grouping of slots into batches, or the progress of collection.
/// </summary>
/// <remarks>
/// Driven by <see cref="KvStoreExecutor"/> on one thread. All its changes go into the batch; its memory is ahead of the
/// store until the batch is written, so after a failed write it must be discarded.
/// Over 400 lines: one method per command. Conflicts, sessions, keys and retention have their own files.
/// </remarks>
internal sealed class KvStateMachine
{
    private const byte KeyspaceFormatVersion = 1;
    private const int KeyspaceHeaderSize = 1 + (2 * sizeof(long));

    private readonly IKvStore _store;
    private readonly IKvBatch _batch;
    private readonly KeyWriter _keys;
    private readonly ConflictChecker _conflicts;
    private readonly SessionTable _sessions;
    private readonly VersionCollector _collector;
    private readonly AccessTable _access;
    private readonly RetentionWindow _window = new();
    private readonly List<(Keyspace Keyspace, long Written)> _writtenCounts = [];
    private readonly int _supportedLevel;
    private uint _nextKeyspaceId = 1;
    private byte[]? _membersRecord;
    private StateHasher _hasher;

    /// <param name="supportedLevel">The highest feature level that this replica can follow.</param>
    /// <exception cref="FeatureLevelException">What the store holds is of a higher level.</exception>
    public KvStateMachine(IKvStore store, IKvBatch batch, SessionLimits sessions, int supportedLevel)
    {
        _supportedLevel = supportedLevel;
        _store = store;
        _batch = batch;
        _keys = new KeyWriter(store);
        _conflicts = new ConflictChecker(store, _keys);
        _sessions = new SessionTable(store, sessions);
        _collector = new VersionCollector(store);
        _access = new AccessTable(store);
        Keyspaces = new KeyspaceCatalog([new Keyspace(0, Keyspace.DefaultName, CommitVersion.Zero)]);
        Load();
    }

    public Slot AppliedSlot { get; private set; }

    public CommitVersion AppliedVersion { get; private set; }

    public ulong StateHash => _hasher.Value;

    public CommitVersion OldestReadable => _window.OldestReadable;

    public KeyspaceCatalog Keyspaces { get; private set; }

    /// <summary>Users and roles.</summary>
    public AccessCatalog Access => _access.Catalog;

    public int SessionCount => _sessions.Count;

    /// <summary>Which commands run and which formats are written; see <see cref="FeatureLevels"/>.</summary>
    public int FeatureLevel { get; private set; } = FeatureLevels.First;

    /// <summary>The members as of the last slot that changed them; null if none has.</summary>
    public GroupMembers? Members { get; private set; }

    /// <summary>Counts since the start of this process; not part of the state.</summary>
    public TransactionCounts Transactions { get; } = new();

    /// <summary>
    /// Adds deletes of versions that can no longer be read. Called before the commands of a batch, or alone.
    /// </summary>
    public int Collect(int budget) =>
        _collector.Collect(_batch, AppliedVersion, _window.OldestReadable, Keyspaces, budget);

    public void BeginSlot(Slot slot)
    {
        Invariant.Check(slot == AppliedSlot.Next, "slots are applied one after the other");
        AppliedSlot = slot;
        _hasher.Mix(slot.Value);
    }

    /// <summary>Applies the slot's time and retention window. Called before its commands.</summary>
    public void Advance(in BatchHeader header)
    {
        _window.Advance(header, AppliedVersion);
        _hasher.Mix(_window.LoggedUnixMs);
        _hasher.Mix(_window.ClockMs);
        _hasher.Mix(_window.OwedMs);
        _hasher.Mix(_window.OldestReadable.Value);
    }

    /// <summary>The slot changes the members of the group.</summary>
    public void ChangeMembers(Slot slot, ReadOnlySpan<byte> payload)
    {
        Members = GroupMembers.Decode(slot, payload);
        _membersRecord = MembersRecord.Write(slot, payload);
        _hasher.Mix(XxHash3.HashToUInt64(payload));
    }

    /// <summary>
    /// From here on this is the state of a new group: without members, and with a version that no other group has
    /// issued. What was written before can be read at that version and not at earlier ones: the old group may have
    /// issued some of those for what is not here.
    /// </summary>
    public void BeginGroup(string clusterId, CommitVersion firstVersion)
    {
        Invariant.Check(firstVersion > AppliedVersion, "a new group begins above the versions of the old one");
        Members = null;
        _membersRecord = null;
        _batch.Delete(KvTable.Meta, MembersRecord.Key);
        AppliedVersion = firstVersion;
        _window.Restart(firstVersion);
        _hasher.Mix(XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(clusterId)));
        _hasher.Mix(firstVersion.Value);
    }

    public CommandResult Execute(ReadOnlyMemory<byte> encoding)
    {
        CommandResult result = !CommandCodec.TryReadEnvelope(encoding, out CommandEnvelope envelope, out string? error)
            ? new CommandResult(KvStatus.InvalidArgument, Message: error)
            : FeatureLevel < FeatureLevels.Principals && !envelope.Principal.IsEmpty
                ? new CommandResult(KvStatus.InvalidArgument, Message: CommandCodec.UnknownFlags(in envelope))
                : Execute(envelope);
        _hasher.Mix((long)result.Code);
        _hasher.Mix(result.Version.Value);
        return result;
    }

    /// <summary>Adds everything other than keys to the batch, which can then be written.</summary>
    public void CompleteBatch()
    {
        _sessions.Complete(_batch);
        _access.Complete(_batch);
        WriteCounts();
        Span<byte> version = stackalloc byte[sizeof(long)];
        if (!_keys.Garbage.IsEmpty)
        {
            BinaryPrimitives.WriteInt64BigEndian(version, AppliedVersion.Value);
            _batch.Put(KvTable.Garbage, version, _keys.Garbage.Record);
        }

        if (_window.IsDirty)
        {
            _batch.Put(KvTable.Meta, "retention"u8, _window.TakeRecord());
        }

        if (_membersRecord is not null)
        {
            _batch.Put(KvTable.Meta, MembersRecord.Key, _membersRecord);
            _membersRecord = null;
        }

        Span<byte> record = stackalloc byte[StateRecord.MaxSizeBytes];
        var state = new StateRecord(
            AppliedSlot,
            AppliedVersion,
            StateHash,
            _window.OldestReadable,
            _window.LoggedUnixMs,
            _window.ClockMs,
            _window.OwedMs,
            _nextKeyspaceId,
            _sessions.Uses,
            FeatureLevel);
        _batch.Put(KvTable.Meta, StateRecord.Key, state.Write(record));
        _keys.Clear();
    }

    private CommandResult Execute(in CommandEnvelope envelope)
    {
        if (envelope.Identity is not RequestIdentity identity || envelope.Kind == CommandKind.OpenSession)
        {
            return Run(envelope);
        }

        if (CommandValidator.Validate(identity) is CommandResult refused)
        {
            return refused;
        }

        ulong contentHash = envelope.ContentHash();
        switch (_sessions.Recall(_batch, identity, contentHash, out RememberedAnswer known))
        {
            case RequestMemory.Answered:
                return new CommandResult(
                    known.Code, known.Version, GenerateAgain(envelope, known), known.Message);
            case RequestMemory.Reused:
                return new CommandResult(
                    KvStatus.SequenceReused,
                    Message: $"sequence {identity.Sequence} of session {identity.ClientId} was used for another"
                        + " request");
            case RequestMemory.Forgotten:
                return new CommandResult(
                    KvStatus.SessionExpired,
                    Message: $"session {identity.ClientId} does not remember sequence {identity.Sequence}: it was"
                        + " not run now, and whether it ran before is unknown");
            default:
                CommandResult result = Run(envelope);
                _sessions.Remember(
                    _batch, identity, new RememberedAnswer(contentHash, result.Code, result.Version, result.Message));
                return result;
        }
    }

    private CommandResult Run(in CommandEnvelope envelope)
    {
        // Behind what a session remembers: an answer is the same one whatever became of the rights since.
        CompiledRights? rights = envelope.Principal.IsEmpty ? null : _access.RightsOf(envelope.Principal);

        // Sets and deletes are the bulk of the load: they are read in place, without a command object.
        if (envelope.Kind == CommandKind.Set && CommandCodec.TryReadSet(envelope, out SetBody set))
        {
            return CommandValidator.ValidateSet(set.Key.Length, set.Value.Length)
                ?? CommandRights.RefuseWrite(rights, set.ColumnFamily.Span, set.Key.Span)
                ?? Write(set.ColumnFamily.Span, set.Key, set.Value, isDelete: false);
        }

        if (envelope.Kind == CommandKind.Delete && CommandCodec.TryReadDelete(envelope, out DeleteBody delete))
        {
            return CommandValidator.ValidateKey(delete.Key.Length)
                ?? CommandRights.RefuseWrite(rights, delete.ColumnFamily.Span, delete.Key.Span)
                ?? Write(delete.ColumnFamily.Span, delete.Key, default, isDelete: true);
        }

        if (!CommandCodec.TryReadCommand(envelope, out KvCommand? command, out string? error))
        {
            return new CommandResult(KvStatus.InvalidArgument, Message: error);
        }

        if (envelope.Kind != CommandKind.RaiseFeatureLevel
            && FeatureLevels.Refuse(envelope.Kind, FeatureLevel) is CommandResult refused)
        {
            // No leader proposes it, but the log entry may come from any replica.
            return refused;
        }

        return CommandValidator.Validate(command) ?? CommandRights.Refuse(rights, command) ?? command switch
        {
            CommitCommand commit => Commit(commit),
            OpenSessionCommand => OpenSession(),
            CreateColumnFamilyCommand create => CreateColumnFamily(create.Name),
            DropColumnFamilyCommand drop => DropColumnFamily(drop.Name),
            ChangeAccessCommand access => ChangeAccess(access.Change),
            RaiseFeatureLevelCommand raise => RaiseFeatureLevel(raise.Level),
            _ => new CommandResult(KvStatus.Internal, Message: $"{command.GetType().Name} cannot be applied"),
        };
    }

    /// <summary>Below the level that is in force it changes nothing.</summary>
    private CommandResult RaiseFeatureLevel(int level)
    {
        if (level > _supportedLevel)
        {
            throw new FeatureLevelException(level, _supportedLevel);
        }

        FeatureLevel = Math.Max(FeatureLevel, level);
        _hasher.Mix(FeatureLevel);
        return new CommandResult(KvStatus.Ok);
    }

    private CommandResult Write(
        ReadOnlySpan<byte> columnFamily, ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value, bool isDelete)
    {
        if (Keyspaces.Find(columnFamily) is not Keyspace keyspace)
        {
            return ColumnFamilyNotFound(Encoding.UTF8.GetString(columnFamily));
        }

        AppliedVersion = AppliedVersion.Next;
        _keys.Write(_batch, keyspace, key, value.Span, isDelete, AppliedVersion, ref _hasher);
        return new CommandResult(KvStatus.Ok, AppliedVersion);
    }

    private CommandResult Commit(CommitCommand commit)
    {
        if (FindMissingColumnFamily(commit) is string missing)
        {
            return ColumnFamilyNotFound(missing);
        }

        if (commit.ReadVersion > AppliedVersion)
        {
            return new CommandResult(
                KvStatus.VersionInFuture,
                Message: VersionErrors.InFutureText("read_version", commit.ReadVersion, AppliedVersion));
        }

        if (commit.Mutations.Count == 0)
        {
            // A read-only transaction is serialized at its read version, at which everything was read.
            return new CommandResult(KvStatus.Ok, commit.ReadVersion);
        }

        if (_conflicts.Check(commit, Keyspaces, _window.OldestReadable) is CommandResult refused)
        {
            Transactions.Refused++;
            return refused;
        }

        AppliedVersion = AppliedVersion.Next;
        List<byte[]>? generated = null;
        for (int i = 0; i < commit.Mutations.Count; i++)
        {
            Mutation mutation = Versionstamp.Resolve(commit.Mutations[i], AppliedVersion, i, ref generated);
            _keys.Write(
                _batch,
                Keyspaces.Find(mutation.ColumnFamily)!,
                mutation.Key,
                mutation.Value.Span,
                mutation.Kind == MutationKind.Delete,
                AppliedVersion,
                ref _hasher);
        }

        Transactions.Committed++;
        return new CommandResult(KvStatus.Ok, AppliedVersion, generated);
    }

    private string? FindMissingColumnFamily(CommitCommand commit)
    {
        foreach (Mutation mutation in commit.Mutations)
        {
            if (Keyspaces.Find(mutation.ColumnFamily) is null)
            {
                return mutation.ColumnFamily;
            }
        }

        foreach (ConflictKey key in commit.ConflictKeys)
        {
            if (Keyspaces.Find(key.ColumnFamily) is null)
            {
                return key.ColumnFamily;
            }
        }

        foreach (ConflictRange range in commit.ConflictRanges)
        {
            if (Keyspaces.Find(range.ColumnFamily) is null)
            {
                return range.ColumnFamily;
            }
        }

        return null;
    }

    private CommandResult OpenSession()
    {
        AppliedVersion = AppliedVersion.Next;
        _sessions.Open(_batch, AppliedVersion.Value);
        return new CommandResult(KvStatus.Ok, AppliedVersion);
    }

    private CommandResult CreateColumnFamily(string name)
    {
        if (Keyspaces.Find(name) is not null)
        {
            return new CommandResult(
                KvStatus.ColumnFamilyExists, Message: $"Column family '{name}' exists already");
        }

        if (Keyspaces.Keyspaces.Count >= KvLimits.ColumnFamilies)
        {
            return new CommandResult(
                KvStatus.InvalidArgument,
                Message: $"there are {KvLimits.ColumnFamilies} column families, which is the limit");
        }

        AppliedVersion = AppliedVersion.Next;
        var keyspace = new Keyspace(_nextKeyspaceId++, name, AppliedVersion);
        Keyspaces = Keyspaces.With(keyspace);
        WriteKeyspace(keyspace);
        _hasher.Mix(keyspace.Id);
        return new CommandResult(KvStatus.Ok, AppliedVersion);
    }

    private CommandResult DropColumnFamily(string name)
    {
        if (Keyspaces.Find(name) is not Keyspace keyspace)
        {
            return ColumnFamilyNotFound(name);
        }

        if (keyspace == Keyspaces.Default)
        {
            return new CommandResult(
                KvStatus.InvalidArgument, Message: $"Column family '{Keyspace.DefaultName}' cannot be dropped");
        }

        _collector.Drop(_batch, keyspace.Id, lastVersion: AppliedVersion);
        AppliedVersion = AppliedVersion.Next;
        Keyspaces = Keyspaces.Without(keyspace);
        Span<byte> key = stackalloc byte[MetaKey.SizeBytes];
        _batch.Delete(KvTable.Meta, MetaKey.Write(key, MetaKey.Keyspace, keyspace.Id));
        _writtenCounts.RemoveAll(written => written.Keyspace == keyspace);
        _hasher.Mix(keyspace.Id);
        return new CommandResult(KvStatus.Ok, AppliedVersion);
    }

    /// <summary>Takes a version, by which a node knows that it has applied the change.</summary>
    private CommandResult ChangeAccess(ReadOnlyMemory<byte> change)
    {
        CommandResult result = _access.Change(AccessChangeCodec.Decode(change)!);
        if (result.Code != KvStatus.Ok)
        {
            return result;
        }

        AppliedVersion = AppliedVersion.Next;
        _hasher.Mix(XxHash3.HashToUInt64(change.Span));
        return new CommandResult(KvStatus.Ok, AppliedVersion);
    }

    /// <summary>
    /// A retry of a versionstamped command generates the same stamps again: they follow from the version.
    /// </summary>
    private static List<byte[]>? GenerateAgain(in CommandEnvelope envelope, in RememberedAnswer known)
    {
        List<byte[]>? generated = null;
        if (known.Code == KvStatus.Ok
            && envelope.Kind == CommandKind.Commit
            && CommandCodec.TryReadCommand(envelope, out KvCommand? command, out _))
        {
            var commit = (CommitCommand)command;
            for (int i = 0; i < commit.Mutations.Count; i++)
            {
                Versionstamp.Resolve(commit.Mutations[i], known.Version, i, ref generated);
            }
        }

        return generated;
    }

    private void Load()
    {
        var buffer = new ValueBuffer(stackalloc byte[256]);
        if (!_store.TryGet(KvTable.Meta, StateRecord.Key, ref buffer))
        {
            return;
        }

        var state = StateRecord.Read(buffer.Value);
        AppliedSlot = state.AppliedSlot;
        AppliedVersion = state.AppliedVersion;
        _hasher = new StateHasher(state.StateHash);
        _nextKeyspaceId = state.NextKeyspaceId;
        FeatureLevel = state.FeatureLevel;
        if (FeatureLevel > _supportedLevel)
        {
            throw new FeatureLevelException(FeatureLevel, _supportedLevel);
        }

        if (_store.TryGet(KvTable.Meta, "retention"u8, ref buffer))
        {
            _window.Restore(state, buffer.Value);
        }

        if (_store.TryGet(KvTable.Meta, MembersRecord.Key, ref buffer))
        {
            Members = MembersRecord.Read(buffer.Value);
        }

        buffer.Dispose();
        LoadKeyspaces();
        _access.Load();
        _sessions.Load(state.Uses);
    }

    private void LoadKeyspaces()
    {
        var loaded = new List<Keyspace>();
        using IKvIterator records = _store.Iterate(KvTable.Meta);
        records.Seek([MetaKey.Keyspace]);
        for (; records.IsValid && records.Key[0] == MetaKey.Keyspace; records.MoveNext())
        {
            ReadOnlySpan<byte> record = records.Value;
            UnknownFormatException.ThrowIfNewer("column family record", record, KeyspaceFormatVersion);
            if (record.Length <= KeyspaceHeaderSize || record[0] != KeyspaceFormatVersion)
            {
                throw new StoreCorruptException("A column family's record is not of a format this program knows.");
            }

            var keyspace = new Keyspace(
                MetaKey.KeyspaceOf(records.Key),
                Encoding.UTF8.GetString(record[KeyspaceHeaderSize..]),
                new CommitVersion(BinaryPrimitives.ReadInt64LittleEndian(record[1..])))
            {
                SampledKeys = BinaryPrimitives.ReadInt64LittleEndian(record[9..]),
            };
            loaded.Add(keyspace);
            _writtenCounts.Add((keyspace, keyspace.SampledKeys));
        }

        if (loaded.Exists(keyspace => keyspace.Id == 0))
        {
            Keyspaces = new KeyspaceCatalog(loaded);
        }
        else
        {
            Keyspaces = new KeyspaceCatalog(loaded.Append(Keyspaces.Default));
        }
    }

    /// <summary>Writes the records of those column families whose number of keys changed.</summary>
    private void WriteCounts()
    {
        foreach (Keyspace keyspace in Keyspaces.Keyspaces)
        {
            int index = _writtenCounts.FindIndex(written => written.Keyspace == keyspace);
            if (index < 0 || _writtenCounts[index].Written != keyspace.SampledKeys)
            {
                WriteKeyspace(keyspace);
            }
        }
    }

    private void WriteKeyspace(Keyspace keyspace)
    {
        byte[] record = new byte[KeyspaceHeaderSize + Encoding.UTF8.GetByteCount(keyspace.Name)];
        record[0] = KeyspaceFormatVersion;
        BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(1), keyspace.CreatedAt.Value);
        BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(9), keyspace.SampledKeys);
        Encoding.UTF8.GetBytes(keyspace.Name, record.AsSpan(KeyspaceHeaderSize));
        Span<byte> key = stackalloc byte[MetaKey.SizeBytes];
        _batch.Put(KvTable.Meta, MetaKey.Write(key, MetaKey.Keyspace, keyspace.Id), record);
        _writtenCounts.RemoveAll(written => written.Keyspace == keyspace);
        _writtenCounts.Add((keyspace, keyspace.SampledKeys));
    }

    private static CommandResult ColumnFamilyNotFound(string name) => new(
        KvStatus.ColumnFamilyNotFound, Message: VersionErrors.ColumnFamilyNotFoundText(name));
}
