using System.Text;
using KvCloud.Node.Access;
using KvCloud.Node.Operations;

namespace KvCloud.Node.State;

/// <summary>
/// Checks a command's limits and its consistency without looking at the state. The server validates before it proposes,
/// and apply validates again, because log entries may come from any replica.
/// </summary>
internal static class CommandValidator
{
    private const string EmptyKey = "key cannot be empty";

    /// <summary>Null when the command is valid.</summary>
    public static CommandResult? Validate(KvCommand command)
    {
        if (command.Identity is RequestIdentity identity && Validate(identity) is CommandResult refused)
        {
            return refused;
        }

        return command switch
        {
            SetCommand set => ValidateSet(set.Key.Length, set.Value.Length),
            DeleteCommand delete => ValidateKey(delete.Key.Length),
            CommitCommand commit => ValidateCommit(commit),
            CreateColumnFamilyCommand create => ValidateName(create.Name),
            DropColumnFamilyCommand drop => ValidateName(drop.Name),
            ChangeAccessCommand access => AccessChangeCodec.Decode(access.Change) is { } change
                ? AccessRules.Validate(change)
                : Refuse(KvStatus.InvalidArgument, "the change of users and roles is malformed"),
            RaiseFeatureLevelCommand { Level: < FeatureLevels.First } raise => Refuse(
                KvStatus.InvalidArgument, $"there is no feature level {raise.Level}"),
            _ => null,
        };
    }

    public static CommandResult? Validate(in RequestIdentity identity)
    {
        if (identity.ClientId < 1)
        {
            return Refuse(KvStatus.InvalidArgument, $"client_id must be positive, not {identity.ClientId}");
        }

        if (identity.Sequence is < 1 or > long.MaxValue - KvLimits.SessionAnswers)
        {
            return Refuse(KvStatus.InvalidArgument, $"sequence {identity.Sequence} is out of range; the first is 1");
        }

        return identity.AcknowledgedBelow < 0
            ? Refuse(
                KvStatus.InvalidArgument,
                $"acknowledged_below must not be negative, but is {identity.AcknowledgedBelow}")
            : null;
    }

    public static CommandResult? ValidateSet(int keyLength, int valueLength) =>
        ValidateKey(keyLength) ?? ValidateValue(valueLength);

    public static CommandResult? ValidateKey(int length) => length switch
    {
        0 => Refuse(KvStatus.InvalidArgument, EmptyKey),
        > KvLimits.KeySizeBytes => Refuse(
            KvStatus.KeyTooLarge, $"a key of {length} bytes is over the limit of {KvLimits.KeySizeBytes}"),
        _ => null,
    };

    public static CommandResult? ValidateValue(int length) => length > KvLimits.ValueSizeBytes
        ? Refuse(
            KvStatus.ValueTooLarge, $"a value of {length} bytes is over the limit of {KvLimits.ValueSizeBytes}")
        : null;

    private static CommandResult? ValidateCommit(CommitCommand commit)
    {
        if (commit.ReadVersion < CommitVersion.Zero)
        {
            return Refuse(KvStatus.InvalidArgument, $"read_version must not be negative, but is {commit.ReadVersion}");
        }

        if (commit.Mutations.Count > KvLimits.TransactionOperations)
        {
            return Refuse(
                KvStatus.TooManyOperations,
                $"{commit.Mutations.Count} operations are over the limit of {KvLimits.TransactionOperations}");
        }

        int conflicts = commit.ConflictKeys.Count + commit.ConflictRanges.Count;
        if (conflicts > KvLimits.TransactionConflicts)
        {
            return Refuse(
                KvStatus.TooManyOperations,
                $"{conflicts} read conflicts are over the limit of {KvLimits.TransactionConflicts}");
        }

        long sizeBytes = 0;
        for (int i = 0; i < commit.Mutations.Count; i++)
        {
            Mutation mutation = commit.Mutations[i];
            sizeBytes += mutation.Key.Length + mutation.Value.Length;
            if (ValidateMutation(mutation, i) is CommandResult refused)
            {
                return refused;
            }
        }

        return ValidateConflicts(commit, sizeBytes);
    }

    private static CommandResult? ValidateMutation(in Mutation mutation, int index)
    {
        if (mutation.Key.IsEmpty)
        {
            return Refuse(KvStatus.InvalidOperation, $"operation {index}: {EmptyKey}");
        }

        int stamped = mutation.Kind switch
        {
            MutationKind.SetVersionstampedKey => mutation.Key.Length,
            MutationKind.SetVersionstampedValue => mutation.Value.Length,
            _ => KvLimits.VersionstampSizeBytes,
        };
        if (stamped < KvLimits.VersionstampSizeBytes)
        {
            string what = mutation.Kind == MutationKind.SetVersionstampedKey ? "key" : "value";
            return Refuse(
                KvStatus.InvalidOperation,
                $"operation {index}: a versionstamp needs a {what} of at least {KvLimits.VersionstampSizeBytes} bytes, "
                + $"not {stamped}");
        }

        return ValidateSet(mutation.Key.Length, mutation.Value.Length) is CommandResult refused
            ? refused with { Message = $"operation {index}: {refused.Message}" }
            : null;
    }

    private static CommandResult? ValidateConflicts(CommitCommand commit, long sizeBytes)
    {
        foreach (ConflictKey key in commit.ConflictKeys)
        {
            sizeBytes += key.Key.Length;
            if (ValidateKey(key.Key.Length) is CommandResult refused)
            {
                return refused with { Message = $"read conflict: {refused.Message}" };
            }
        }

        foreach (ConflictRange range in commit.ConflictRanges)
        {
            int longest = Math.Max(range.Begin.Length, range.End?.Length ?? 0);
            sizeBytes += range.Begin.Length + (range.End?.Length ?? 0);
            if (longest > KvLimits.KeySizeBytes && ValidateKey(longest) is CommandResult refused)
            {
                return refused with { Message = $"read conflict range: {refused.Message}" };
            }
        }

        return sizeBytes > KvLimits.TransactionSizeBytes
            ? Refuse(
                KvStatus.TransactionTooLarge,
                $"a transaction of {sizeBytes} bytes is over the limit of {KvLimits.TransactionSizeBytes}")
            : null;
    }

    private static CommandResult? ValidateName(string name)
    {
        int length = Encoding.UTF8.GetByteCount(name);
        if (length is 0 or > KvLimits.ColumnFamilyNameSizeBytes)
        {
            return Refuse(
                KvStatus.InvalidArgument,
                $"a column family's name has 1 to {KvLimits.ColumnFamilyNameSizeBytes} bytes, not {length}");
        }

        return name.Any(char.IsControl)
            ? Refuse(KvStatus.InvalidArgument, "a column family's name must not contain control characters")
            : null;
    }

    private static CommandResult Refuse(KvStatus code, string message) => new(code, Message: message);
}
