namespace KvCloud.Node.Operations;

/// <summary>
/// The feature level of a group says which commands and formats its replicas may be given. It is part of the replicated
/// state, begins at <see cref="First"/> and never falls; a leader raises it when every member can follow.
/// </summary>
/// <remarks>
/// A release that adds a command raises <see cref="Newest"/>, unless it has done so already, and names the command
/// here. Level 2: the command that raises the level, and the third format of the state record. Level 3: users and
/// roles, and commands that carry their principal.
/// </remarks>
internal static class FeatureLevels
{
    /// <summary>Of every group before its first rise, and of groups that know no levels.</summary>
    public const int First = 1;

    /// <summary>The highest level that this program can follow.</summary>
    public const int Newest = 3;

    /// <summary>From here on commands may carry the principal that asked for them.</summary>
    public const int Principals = 3;

    /// <summary>The level from which a group takes the command.</summary>
    public static int LevelOf(CommandKind kind) => kind switch
    {
        CommandKind.Set => First,
        CommandKind.Delete => First,
        CommandKind.Commit => First,
        CommandKind.OpenSession => First,
        CommandKind.CreateColumnFamily => First,
        CommandKind.DropColumnFamily => First,
        CommandKind.RaiseFeatureLevel => 2,
        CommandKind.ChangeAccess => 3,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "the command names no feature level"),
    };

    /// <summary>
    /// Why a group at this level does not take the command from a client or a peer; null if it does. What is no command
    /// at all passes: apply says what is wrong with it.
    /// </summary>
    public static CommandResult? Refuse(ReadOnlySpan<byte> command, int level)
    {
        if (!CommandCodec.TryReadKind(command, out byte format, out byte kind))
        {
            return null;
        }

        if (format != CommandCodec.FormatVersion || !Enum.IsDefined((CommandKind)kind))
        {
            return new CommandResult(
                KvStatus.FeatureNotActive,
                Message: $"this leader does not know commands of kind {kind} in format {format}: it is of a release"
                    + $" before them, and the group's feature level is {level}; nothing was written");
        }

        if (level < Principals && CommandCodec.HasPrincipalOf(command))
        {
            return new CommandResult(
                KvStatus.FeatureNotActive,
                Message: $"a command that carries its principal needs feature level {Principals}, and the group is at"
                    + $" {level}: it rises when all members can follow; nothing was written");
        }

        var known = (CommandKind)kind;
        return known == CommandKind.RaiseFeatureLevel
            ? new CommandResult(
                KvStatus.FeatureNotActive,
                Message: $"only a leader raises the feature level, which is {level}; nothing was written")
            : Refuse(known, level);
    }

    /// <summary>Why a group at this level does not run the command; null if it does.</summary>
    public static CommandResult? Refuse(CommandKind kind, int level) => LevelOf(kind) <= level
        ? null
        : new CommandResult(
            KvStatus.FeatureNotActive,
            Message: $"{kind} needs feature level {LevelOf(kind)}, and the group is at {level}: it rises when all"
                + " members can follow; nothing was written");
}
