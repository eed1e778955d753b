using System.Buffers.Binary;
using KvCloud.Node.Operations;

namespace KvCloud.Tests.Node.State;

/// <summary>
/// What the state machine should do, in the plainest way: every version of every key is kept for ever in lists. It
/// shares nothing with the production code but the types of commands and answers.
/// </summary>
internal sealed class StateModel
{
    private readonly SortedDictionary<string, Family> _families = new(StringComparer.Ordinal) { ["default"] = new(0) };
    private readonly Dictionary<long, Dictionary<long, (KvCommand Command, CommandResult Result)>> _sessions = [];
    private readonly Dictionary<long, long> _floors = [];
    private readonly List<(long UnixMs, long Version)> _moments = [];
    private (long UnixMs, long Version) _lastMoment;
    private long _unixMs;
    private long _loggedUnixMs;
    private long _owedMs;

    public CommitVersion Version { get; private set; }

    public CommitVersion OldestReadable { get; private set; }

    public IReadOnlyList<string> Families => [.. _families.Keys];

    public List<long> SessionIds { get; } = [];

    /// <summary>Every key that is ever written, some of them prefixes of others.</summary>
    public IReadOnlyList<byte[]> AllKeys { get; } =
        [.. Enumerable.Range(0, 12).Select(i => (byte[])[1, .. new byte[i % 3], .. Enumerable.Repeat((byte)0xFF, i)])];

    public long CreatedAt(string family) => _families[family].CreatedAt;

    public void BeginSlot(long unixMs, MvccRetention retention)
    {
        long stepMs = Math.Max(1, retention.TimeMs / 8);
        if (unixMs > _loggedUnixMs)
        {
            long counted = Math.Min(unixMs - _loggedUnixMs, stepMs);
            long paid = Math.Min(counted, _owedMs);
            _owedMs -= paid;
            _unixMs += counted - paid;
            _loggedUnixMs = unixMs;
        }
        else if (unixMs < _loggedUnixMs - stepMs)
        {
            _owedMs = stepMs;
            _loggedUnixMs = unixMs;
        }

        if (_moments.Count == 0 || _unixMs - _lastMoment.UnixMs >= Math.Max(1, retention.TimeMs / 64))
        {
            _lastMoment = (_unixMs, Version.Value);
            _moments.Add(_lastMoment);
        }

        long oldest = Math.Max(OldestReadable.Value, Version.Value - retention.Versions);
        foreach ((_, long version) in _moments.Where(moment => moment.UnixMs <= _unixMs - retention.TimeMs))
        {
            oldest = Math.Max(oldest, version);
        }

        _moments.RemoveAll(moment => moment.UnixMs <= _unixMs - retention.TimeMs);
        OldestReadable = new CommitVersion(oldest);
    }

    public CommandResult Apply(KvCommand command)
    {
        if (command.Identity is not RequestIdentity identity || command is OpenSessionCommand)
        {
            return Run(command);
        }

        if (!_sessions.TryGetValue(
            identity.ClientId, out Dictionary<long, (KvCommand Command, CommandResult Result)>? answers))
        {
            return new CommandResult(KvStatus.SessionExpired);
        }

        long floor = Math.Max(_floors[identity.ClientId], Math.Min(identity.AcknowledgedBelow, identity.Sequence));
        _floors[identity.ClientId] = floor;
        if (identity.Sequence < floor)
        {
            return new CommandResult(KvStatus.SessionExpired);
        }

        if (answers.TryGetValue(identity.Sequence, out (KvCommand Command, CommandResult Result) known))
        {
            return ReferenceEquals(known.Command, command)
                ? known.Result
                : new CommandResult(KvStatus.SequenceReused);
        }

        CommandResult result = Run(command);
        answers.Add(identity.Sequence, (command, result));
        _floors[identity.ClientId] = Math.Max(floor, identity.Sequence - 1_023);
        return result;
    }

    public (byte[]? Value, long Version) Get(string family, byte[] key, CommitVersion at)
    {
        Entry? entry = _families[family].At(key, at.Value);
        return entry?.Value is null ? (null, 0) : (entry.Value, entry.Version);
    }

    public long CountKeys() => _families.Values.Sum(
        family => family.Keys.Keys.Count(key => family.At(key, Version.Value)?.Value is not null));

    public string Describe(string family, CommitVersion at) => string.Join(
        ' ',
        _families[family].Keys.Keys.Select(key => (Key: key, Entry: _families[family].At(key, at.Value)))
            .Where(row => row.Entry?.Value is not null)
            .Select(
                row => $"{Convert.ToHexString(row.Key)}={Convert.ToHexString(row.Entry!.Value!)}@{row.Entry.Version}"));

    private CommandResult Run(KvCommand command)
    {
        switch (command)
        {
            case SetCommand set:
                return Find(set.ColumnFamily) is Family family
                    ? Write([(family, set.Key.ToArray(), set.Value.ToArray())])
                    : new CommandResult(KvStatus.ColumnFamilyNotFound);
            case DeleteCommand delete:
                return Find(delete.ColumnFamily) is Family from
                    ? Write([(from, delete.Key.ToArray(), null)])
                    : new CommandResult(KvStatus.ColumnFamilyNotFound);
            case CommitCommand commit:
                return Commit(commit);
            case OpenSessionCommand:
                Version = Version.Next;
                _sessions.Add(Version.Value, []);
                _floors.Add(Version.Value, 1);
                SessionIds.Add(Version.Value);
                return new CommandResult(KvStatus.Ok, Version);
            case CreateColumnFamilyCommand create when _families.ContainsKey(create.Name):
                return new CommandResult(KvStatus.ColumnFamilyExists);
            case CreateColumnFamilyCommand create:
                Version = Version.Next;
                _families.Add(create.Name, new Family(Version.Value));
                return new CommandResult(KvStatus.Ok, Version);
            case DropColumnFamilyCommand drop when _families.Remove(drop.Name):
                Version = Version.Next;
                return new CommandResult(KvStatus.Ok, Version);
            default:
                return new CommandResult(KvStatus.ColumnFamilyNotFound);
        }
    }

    private CommandResult Commit(CommitCommand commit)
    {
        if (commit.Mutations.Any(m => m.Key.IsEmpty
            || (m.Kind == MutationKind.SetVersionstampedValue && m.Value.Length < 10)))
        {
            return new CommandResult(KvStatus.InvalidOperation);
        }

        if (commit.Mutations.Any(m => Find(m.ColumnFamily) is null)
            || commit.ConflictKeys.Any(k => Find(k.ColumnFamily) is null)
            || commit.ConflictRanges.Any(r => Find(r.ColumnFamily) is null))
        {
            return new CommandResult(KvStatus.ColumnFamilyNotFound);
        }

        if (commit.ReadVersion > Version)
        {
            return new CommandResult(KvStatus.VersionInFuture);
        }

        if (commit.Mutations.Count == 0)
        {
            return new CommandResult(KvStatus.Ok, commit.ReadVersion);
        }

        if (commit.ConflictKeys.Count + commit.ConflictRanges.Count > 0 && commit.ReadVersion < OldestReadable)
        {
            return new CommandResult(KvStatus.VersionTooOld);
        }

        bool conflicts = commit.ConflictKeys.Any(k => Find(k.ColumnFamily)!.WasWrittenAfter(
                commit.ReadVersion.Value, key => key.AsSpan().SequenceEqual(k.Key.Span)))
            || commit.ConflictRanges.Any(r => Find(r.ColumnFamily)!.WasWrittenAfter(
                commit.ReadVersion.Value,
                key => key.AsSpan().SequenceCompareTo(r.Begin.Span) >= 0
                    && (r.End is not ReadOnlyMemory<byte> end || key.AsSpan().SequenceCompareTo(end.Span) < 0)));
        if (conflicts)
        {
            return new CommandResult(KvStatus.Conflict);
        }

        var writes = new List<(Family, byte[], byte[]?)>();
        var generated = new List<byte[]>();
        for (int i = 0; i < commit.Mutations.Count; i++)
        {
            Mutation mutation = commit.Mutations[i];
            byte[]? value = mutation.Kind == MutationKind.Delete ? null : mutation.Value.ToArray();
            if (mutation.Kind == MutationKind.SetVersionstampedValue)
            {
                BinaryPrimitives.WriteInt64BigEndian(value.AsSpan(value!.Length - 10), Version.Value + 1);
                BinaryPrimitives.WriteInt16BigEndian(value.AsSpan(value.Length - 2), (short)i);
                generated.Add(value);
            }

            writes.Add((Find(mutation.ColumnFamily)!, mutation.Key.ToArray(), value));
        }

        return Write(writes) with { Generated = generated };
    }

    private CommandResult Write(IEnumerable<(Family Family, byte[] Key, byte[]? Value)> writes)
    {
        Version = Version.Next;
        foreach ((Family family, byte[] key, byte[]? value) in writes)
        {
            if (value is null && family.At(key, Version.Value)?.Value is null)
            {
                continue;
            }

            if (!family.Keys.TryGetValue(key, out List<Entry>? entries))
            {
                entries = [];
                family.Keys.Add(key, entries);
            }

            entries.RemoveAll(entry => entry.Version == Version.Value);
            entries.Add(new Entry(Version.Value, value));
        }

        return new CommandResult(KvStatus.Ok, Version);
    }

    private Family? Find(string? name) => _families.GetValueOrDefault(string.IsNullOrEmpty(name) ? "default" : name);

    /// <param name="Value">Null for a delete.</param>
    private sealed record Entry(long Version, byte[]? Value);

    private sealed class Family(long createdAt)
    {
        public long CreatedAt { get; } = createdAt;

        public SortedDictionary<byte[], List<Entry>> Keys { get; } =
            new(Comparer<byte[]>.Create((left, right) => left.AsSpan().SequenceCompareTo(right)));

        public Entry? At(byte[] key, long version) =>
            Keys.GetValueOrDefault(key)?.LastOrDefault(entry => entry.Version <= version);

        public bool WasWrittenAfter(long version, Func<byte[], bool> matches) =>
            CreatedAt > version || Keys.Any(pair => matches(pair.Key) && pair.Value[^1].Version > version);
    }
}
