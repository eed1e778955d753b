using System.Buffers.Binary;
using System.Text;
using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.State;

namespace KvCloud.Tests.Simulation;

/// <summary>
/// What the agreed log means, told as plainly as can be: the yardstick for the production executor. Knows operations,
/// not their encoding.
/// </summary>
internal sealed class SimModel(SessionLimits sessions)
{
    private static readonly Slot NoFamily = new(long.MaxValue);

    private readonly Dictionary<string, List<Change>> _keys = [];
    private readonly SimSessions _sessions = new(sessions);
    private readonly Dictionary<int, Slot> _ranAt = [];
    private readonly List<Outcome[]> _outcomes = [];
    private readonly List<long> _versions = [];
    private readonly SimWindow _window = new();
    private readonly SimAccess _access = new();
    private Slot _familySince = NoFamily;
    private int _featureLevel = FeatureLevels.First;
    private long _familyVersion;
    private long _version;
    private Slot _firstSlot;
    private long _firstVersion;

    internal readonly record struct Change(Slot Slot, long Version, string? Value);

    /// <param name="Slot">Where the operation took effect: for a retry, the slot of the first attempt.</param>
    internal readonly record struct Outcome(KvStatus Code, long Version, Slot Slot);

    public SimAccess Access => _access;

    public Slot AppliedSlot => new(_firstSlot.Value + _outcomes.Count);

    public long Version => _version;

    /// <summary>What the group began with; 0 but for one that was made of another.</summary>
    public long FirstVersion => _firstVersion;

    public Outcome OutcomeOf(Slot slot, int index) => _outcomes[IndexOf(slot)][index];

    public int CommandsIn(Slot slot) => _outcomes[IndexOf(slot)].Length;

    /// <summary>The newest version once the slot is applied.</summary>
    public long VersionAt(Slot slot) => slot == _firstSlot ? _firstVersion : _versions[IndexOf(slot)];

    public Slot? RanAt(SimAttempt attempt) => _ranAt.TryGetValue(attempt.Number, out Slot slot) ? slot : null;

    /// <summary>From here on this is what a new group begins with, which has a log of its own.</summary>
    public void BeginGroup(long firstVersion)
    {
        _firstSlot = AppliedSlot;
        _firstVersion = firstVersion;
        _version = firstVersion;
        _outcomes.Clear();
        _versions.Clear();
        _window.BeginGroup(_firstSlot.Value, firstVersion);
    }

    /// <summary>The slot that is applied next raises the feature level.</summary>
    public void RaiseTo(int featureLevel) => _featureLevel = Math.Max(_featureLevel, featureLevel);

    /// <param name="header">Of the batch in the slot; null where there is none.</param>
    /// <param name="last">Nothing behind the write that makes this version is applied.</param>
    public void Apply(
        Slot slot, BatchHeader? header, IReadOnlyList<SimAttempt> attempts, long last = long.MaxValue)
    {
        Invariant.Check(slot == AppliedSlot.Next, "the model skips a slot");
        _window.Apply(header, _version);
        var outcomes = new Outcome[attempts.Count];
        for (int i = 0; i < outcomes.Length && _version < last; i++)
        {
            if (!_ranAt.TryAdd(attempts[i].Number, slot))
            {
                throw new SimFailureException($"{attempts[i].Op}, attempt {attempts[i].Number}, stands in slots "
                    + $"{_ranAt[attempts[i].Number]} and {slot}");
            }

            outcomes[i] = Run(slot, attempts[i].Op);
        }

        _outcomes.Add(outcomes);
        _versions.Add(_version);
    }

    /// <summary>What a store that has applied up to this slot refuses: versions below this one.</summary>
    public long OldestReadableAt(Slot slot) => _window.OldestAt(slot.Value);

    /// <summary>Whether a store that has applied up to this slot has the column family.</summary>
    public bool HasFamilyAt(Slot slot) => slot >= _familySince;

    public static bool IsOfFamily(string key) => key.StartsWith(SimOp.Family, StringComparison.Ordinal);

    /// <summary>What a read at this version must show.</summary>
    public string? ValueAtVersion(string key, long version) =>
        _keys.TryGetValue(key, out List<Change>? changes)
            ? changes.FindLast(change => change.Version <= version).Value
            : null;

    /// <summary>What a store that has applied up to this slot, and no further, must show.</summary>
    public (string? Value, long Version) ValueAt(string key, Slot slot)
    {
        if (_keys.TryGetValue(key, out List<Change>? changes))
        {
            for (int i = changes.Count - 1; i >= 0; i--)
            {
                if (changes[i].Slot <= slot)
                {
                    return changes[i].Value is null ? (null, 0) : (changes[i].Value, changes[i].Version);
                }
            }
        }

        return (null, 0);
    }

    private int IndexOf(Slot slot) => (int)(slot.Value - _firstSlot.Value) - 1;

    private Outcome Run(Slot slot, SimOp op)
    {
        if (op.Principal is not null && _featureLevel < FeatureLevels.Principals)
        {
            // Only behind the holes of a recovery, one of which took the rise.
            return new Outcome(KvStatus.InvalidArgument, 0, slot);
        }

        if (op.Identity is not SimIdentity identity)
        {
            return RunOnce(slot, op);
        }

        if (!_sessions.TryRecall(identity, out Outcome? known))
        {
            return new Outcome(KvStatus.SessionExpired, 0, slot);
        }

        if (known is Outcome outcome)
        {
            return outcome;
        }

        outcome = RunOnce(slot, op);
        _sessions.Remember(identity, outcome);
        return outcome;
    }

    private Outcome RunOnce(Slot slot, SimOp op)
    {
        if (!_access.Allows(op))
        {
            return new Outcome(KvStatus.PermissionDenied, 0, slot);
        }

        if (op.Access is { } change)
        {
            if (_featureLevel < FeatureLevels.LevelOf(CommandKind.ChangeAccess))
            {
                return new Outcome(KvStatus.FeatureNotActive, 0, slot);
            }

            KvStatus code = _access.Apply(slot, change);
            return new Outcome(code, code == KvStatus.Ok ? ++_version : 0, slot);
        }

        if (_familySince == NoFamily && op.Keys.Concat(op.ConflictKeys).Any(IsOfFamily))
        {
            return new Outcome(KvStatus.ColumnFamilyNotFound, 0, slot);
        }

        if (op.Kind == SimOpKind.Commit && op.ReadVersion > _version)
        {
            // Behind the holes of a recovery there are fewer versions than were read.
            return new Outcome(KvStatus.VersionInFuture, 0, slot);
        }

        if (op.ReadVersion < _window.Oldest && (op.ConflictKeys.Count > 0 || op.ConflictRange is not null))
        {
            return new Outcome(KvStatus.VersionTooOld, 0, slot);
        }

        if (op.ConflictKeys.Any(key => LastVersion(key) > op.ReadVersion)
            || (op.ConflictRange is (string first, string last) && _keys.Keys.Any(
                key =>
                    !IsOfFamily(key) && string.CompareOrdinal(key, first) >= 0 && string.CompareOrdinal(key, last) <= 0
                    && LastVersion(key) > op.ReadVersion)))
        {
            return new Outcome(KvStatus.Conflict, 0, slot);
        }

        if (op.Kind == SimOpKind.CreateFamily)
        {
            return CreateFamily(slot);
        }

        _version++;
        if (op.Kind == SimOpKind.OpenSession)
        {
            _sessions.Open(_version);
        }

        for (int i = 0; i < op.Keys.Count; i++)
        {
            string key = op.Keys[i];
            if (!_keys.TryGetValue(key, out List<Change>? changes))
            {
                changes = [];
                _keys.Add(key, changes);
            }

            string? value = op.Kind == SimOpKind.Delete ? null : op.ValueOf(i) + (
                op.IsStamped ? StampOf(_version, i) : "");
            bool exists = changes.Count > 0 && changes[^1].Value is not null;
            if (value is not null || exists)
            {
                // Deleting what does not exist changes nothing, so it is no conflict either.
                changes.Add(new Change(slot, _version, value));
            }
        }

        return new Outcome(KvStatus.Ok, _version, slot);
    }

    private static string StampOf(long version, int index)
    {
        byte[] stamp = new byte[KvLimits.VersionstampSizeBytes];
        BinaryPrimitives.WriteInt64BigEndian(stamp, version);
        BinaryPrimitives.WriteUInt16BigEndian(stamp.AsSpan(sizeof(long)), (ushort)index);
        return Encoding.Latin1.GetString(stamp);
    }

    private Outcome CreateFamily(Slot slot)
    {
        if (_familySince != NoFamily)
        {
            return new Outcome(KvStatus.ColumnFamilyExists, 0, slot);
        }

        _familySince = slot;
        _familyVersion = ++_version;
        return new Outcome(KvStatus.Ok, _version, slot);
    }

    /// <summary>A key of a column family has changed when that was made.</summary>
    private long LastVersion(string key) => Math.Max(
        IsOfFamily(key) ? _familyVersion : 0,
        _keys.TryGetValue(key, out List<Change>? changes) && changes.Count > 0 ? changes[^1].Version : 0);
}
