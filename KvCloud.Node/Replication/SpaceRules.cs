using KvCloud.Node.Operations;

namespace KvCloud.Node.Replication;

/// <summary>Which writes a leader takes when its disk is short of space.</summary>
internal static class SpaceRules
{
    /// <summary>The refusal of a write; null if it may be proposed.</summary>
    public static CommandResult? Refuse(SpaceLevel level, ReadOnlyMemory<byte> command) => level switch
    {
        SpaceLevel.Ample => null,
        SpaceLevel.Exhausted => new CommandResult(
            KvStatus.NoSpace, Message: "the leader's disk is full (min_space_mb); nothing was written"),
        _ when FreesSpace(command) => null,
        _ => new CommandResult(
            KvStatus.NoSpace,
            Message: "the leader's disk is nearly full (low_space_mb): it takes deletes only; nothing was written"),
    };

    /// <summary>
    /// Deletes, and the sessions that clients send them in; changes of rights, which are small, and a revocation must
    /// not wait for an operator. What cannot be read is let through: apply says what is
    /// wrong with it.
    /// </summary>
    private static bool FreesSpace(ReadOnlyMemory<byte> command)
    {
        if (!CommandCodec.TryReadEnvelope(command, out CommandEnvelope envelope, out _))
        {
            return true;
        }

        return envelope.Kind switch
        {
            CommandKind.Delete or CommandKind.DropColumnFamily or CommandKind.OpenSession
                or CommandKind.ChangeAccess => true,
            CommandKind.Commit => CommandCodec.TryReadCommand(envelope, out KvCommand? commit, out _)
                && ((CommitCommand)commit).Mutations.All(mutation => mutation.Kind == MutationKind.Delete),
            _ => false,
        };
    }
}
