using KvCloud.Node.State;

namespace KvCloud.Node.Replication;

/// <summary>One write on its way: an encoded command in, exactly one answer out.</summary>
/// <remarks>
/// <see cref="Complete"/> is called once, from a replication thread: it must not block, do input or output, or throw.
/// </remarks>
internal abstract class PendingWrite
{
    /// <summary>The command as <see cref="Operations.CommandCodec"/> encoded it.</summary>
    public required ReadOnlyMemory<byte> Command { get; init; }

    /// <summary>
    /// Environment.TickCount64 after which the caller is told OUTCOME_UNKNOWN (TIMEOUT if it was never proposed).
    /// </summary>
    public required long DeadlineTickMs { get; init; }

    public abstract void Complete(in CommandResult result);
}
