using System.Text;
using KvCloud.Node.Operations;

namespace KvCloud.Node.Access;

/// <summary>
/// Which rights a command needs. The node that a client asks holds the command to them, and so does apply, by the
/// rights at the command's place in the log.
/// </summary>
internal static class CommandRights
{
    /// <summary>Why the command may not run; null if it may, or if the rights, being null, do not matter.</summary>
    public static CommandResult? Refuse(CompiledRights? rights, KvCommand command) => rights is null
        ? null
        : command switch
        {
            SetCommand set => RefuseWrite(rights, set.ColumnFamily, set.Key.Span),
            DeleteCommand delete => RefuseWrite(rights, delete.ColumnFamily, delete.Key.Span),
            CommitCommand commit => RefuseCommit(rights, commit),
            OpenSessionCommand => rights.HasAny(KvRights.Write) ? null : Missing(KvRights.Write, "any key", null),
            CreateColumnFamilyCommand create => RefuseFamily(rights, create.Name),
            DropColumnFamilyCommand drop => RefuseFamily(rights, drop.Name),
            ChangeAccessCommand access => RefuseChange(rights, command, access),
            _ => RefuseAdmin(rights),
        };

    /// <param name="columnFamily">UTF-8; empty for the default one.</param>
    public static CommandResult? RefuseWrite(
        CompiledRights? rights, ReadOnlySpan<byte> columnFamily, ReadOnlySpan<byte> key) =>
        rights is null || rights.Has(KvRights.Write, columnFamily, key)
            ? null
            : Missing(KvRights.Write, "this key", Encoding.UTF8.GetString(columnFamily));

    public static CommandResult? RefuseWrite(CompiledRights rights, string? columnFamily, ReadOnlySpan<byte> key) =>
        rights.Has(KvRights.Write, columnFamily, key) ? null : Missing(KvRights.Write, "this key", columnFamily);

    public static CommandResult? RefuseRead(CompiledRights rights, string? columnFamily, ReadOnlySpan<byte> key) =>
        rights.Has(KvRights.Read, columnFamily, key) ? null : Missing(KvRights.Read, "this key", columnFamily);

    public static CommandResult? RefuseRead(
        CompiledRights rights,
        string? columnFamily,
        ReadOnlySpan<byte> begin,
        ReadOnlyMemory<byte>? end,
        bool isEndInclusive) =>
        rights.HasRange(
            KvRights.Read,
            columnFamily,
            begin,
            end.GetValueOrDefault().Span,
            hasEnd: end is not null,
            isEndInclusive)
            ? null
            : Missing(KvRights.Read, "the whole range, by one prefix that covers it", columnFamily);

    public static CommandResult? RefuseFamily(CompiledRights rights, string columnFamily) =>
        rights.HasFamily(KvRights.Admin, columnFamily)
            ? null
            : Missing(KvRights.Admin, "all keys", columnFamily);

    public static CommandResult? RefuseAdmin(CompiledRights rights) => rights.HasAll(KvRights.Admin)
        ? null
        : Missing(KvRights.Admin, "all keys", Grant.Everywhere);

    public static CommandResult Missing(KvRights right, string what, string? columnFamily)
    {
        string where = columnFamily == Grant.Everywhere
            ? "every column family"
            : $"column family '{(string.IsNullOrEmpty(columnFamily) ? Grant.DefaultColumnFamily : columnFamily)}'";
        return new CommandResult(
            KvStatus.PermissionDenied,
            Message: $"the right to {right.ToText()} is missing: {what} of {where}; nothing was done");
    }

    private static CommandResult? RefuseCommit(CompiledRights rights, CommitCommand commit)
    {
        foreach (Mutation mutation in commit.Mutations)
        {
            // Of a versionstamped key the end is not known yet: the right must cover whatever it becomes.
            ReadOnlySpan<byte> key = mutation.Key.Span;
            if (mutation.Kind == MutationKind.SetVersionstampedKey)
            {
                key = key[..^Math.Min(key.Length, KvLimits.VersionstampSizeBytes)];
            }

            if (RefuseWrite(rights, mutation.ColumnFamily, key) is CommandResult refused)
            {
                return refused;
            }
        }

        foreach (ConflictKey key in commit.ConflictKeys)
        {
            if (RefuseRead(rights, key.ColumnFamily, key.Key.Span) is CommandResult refused)
            {
                return refused;
            }
        }

        foreach (ConflictRange range in commit.ConflictRanges)
        {
            if (RefuseRead(rights, range.ColumnFamily, range.Begin.Span, range.End, isEndInclusive: false)
                is CommandResult refused)
            {
                return refused;
            }
        }

        return null;
    }

    private static CommandResult? RefuseChange(CompiledRights rights, KvCommand command, ChangeAccessCommand access) =>
        AccessChangeCodec.Decode(access.Change) is { } change
            && PrincipalCodec.IsUser(command.Principal, out string user)
            && change.IsOwnBusinessOf(user)
            ? null
            : RefuseAdmin(rights);
}
