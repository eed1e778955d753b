using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication;

namespace KvCloud.Node.Diagnostics;

/// <summary>What a slot holds, without values.</summary>
/// <param name="Kind">no_op, commands or membership.</param>
/// <param name="Accepted">The highest ballot at which this replica has accepted it.</param>
/// <param name="Proposed">The ballot that first proposed it; below Accepted where a later leader adopted it.</param>
/// <param name="IsChosen">Whether this replica knows it to be chosen.</param>
/// <param name="IsApplied">Whether it is part of this replica's data.</param>
/// <param name="Time">The clock of the leader that proposed it; only of commands.</param>
/// <param name="CommandCount">How many commands it holds; <see cref="Commands"/> has the first of them.</param>
internal sealed record SlotAnswer(
    long Slot,
    string Kind,
    BallotAnswer Accepted,
    BallotAnswer Proposed,
    bool IsChosen,
    bool IsApplied,
    int Bytes,
    DateTimeOffset? Time,
    int CommandCount,
    IReadOnlyList<CommandAnswer> Commands)
{
    public const int MaxCommands = 20;

    public static SlotAnswer Of(LogEntry entry, ReplicaStatus status)
    {
        DateTimeOffset? time = null;
        int count = 0;
        List<CommandAnswer> commands = [];
        if (entry.Value.Kind == ValueKind.Commands && TryOpen(entry.Value.Payload, out CommandBatch batch))
        {
            time = DateTimeOffset.FromUnixTimeMilliseconds(
                Math.Min(batch.Header.UnixMs, DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()));
            count = batch.Header.Count;
            foreach (ReadOnlyMemory<byte> command in batch)
            {
                if (commands.Count == MaxCommands)
                {
                    break;
                }

                commands.Add(CommandAnswer.Of(command));
            }
        }

        return new SlotAnswer(
            entry.Slot.Value,
            entry.Value.Kind switch
            {
                ValueKind.Commands => "commands",
                ValueKind.Membership => "membership",
                _ => "no_op",
            },
            BallotAnswer.Of(entry.Accepted),
            BallotAnswer.Of(entry.Value.Origin),
            entry.Slot <= status.ChosenSlot,
            entry.Slot <= status.AppliedSlot,
            entry.Value.Payload.Length,
            time,
            count,
            commands);
    }

    /// <summary>False for a batch of a newer release; the replica itself stops at such a one.</summary>
    private static bool TryOpen(ReadOnlyMemory<byte> payload, out CommandBatch batch)
    {
        try
        {
            return CommandBatch.TryOpen(payload, out batch, out _);
        }
        catch (UnknownFormatException)
        {
            batch = default;
            return false;
        }
    }
}
