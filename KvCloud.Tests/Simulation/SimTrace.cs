using KvCloud.Consensus;
using KvCloud.Node.Transport;

namespace KvCloud.Tests.Simulation;

/// <summary>Messages and effects in one line each, for people.</summary>
internal static class SimTrace
{
    public static string Describe(Message message)
    {
        string route = $"{message.From.Value}->{message.To.Value} {message.GetType().Name}";
        return message switch
        {
            PreVote m => $"{route} ballot={m.Ballot} first={m.FirstUnchosen}",
            PreVoteReply m => $"{route} ballot={m.Ballot} {(m.Granted ? "granted" : "refused")} promised={m.Promised}",
            Prepare m => $"{route} ballot={m.Ballot} first={m.FirstUnchosen}"
                + (m.TransferOf.IsZero ? "" : $" transfer={m.TransferOf}"),
            Promise m => $"{route} ballot={m.Ballot} chosen={m.ChosenSlot}{Describe(m.Entries)}",
            Accept m => $"{route} ballot={m.Ballot} chosen={m.ChosenSlot}{Describe(m.Entries)}",
            Accepted m => $"{route} ballot={m.Ballot} slots=[{string.Join(' ', m.Slots)}]",
            Refused m => $"{route} ballot={m.Ballot} promised={m.Promised}",
            Heartbeat m => $"{route} ballot={m.Ballot} round={m.Round} chosen={m.ChosenSlot} trim={m.TrimSlot}",
            HeartbeatReply m =>
                $"{route} ballot={m.Ballot} round={m.Round} chosen={m.ChosenSlot} durable={m.DurableSlot}",
            ReadIndexRequest m => $"{route} id={m.Id}",
            ReadIndexReply m => $"{route} id={m.Id} {(m.Confirmed ? $"slot={m.Slot}" : "unconfirmed")}",
            CatchUpRequest m => $"{route} from={m.FromSlot}",
            CatchUpReply m =>
                $"{route} first={m.FirstAvailable} chosen={m.ChosenSlot}{Describe(m.Entries)}",
            SnapshotRequest m => $"{route} id={m.Id} above={m.Above} file={m.File} offset={m.Offset} count={m.Count}",
            SnapshotReply m =>
                $"{route} {m.Answer} id={m.Id} file={m.File} offset={m.Offset} of {m.Length}",
            TimeoutNow m => $"{route} ballot={m.Ballot}",
            _ => route,
        };
    }

    public static string Describe(IReadOnlyList<LogEntry> entries) =>
        string.Concat(entries.Select(entry => " " + Describe(entry)));

    /// <summary>slot:kind@origin/accepted</summary>
    public static string Describe(LogEntry entry) =>
        $"{entry.Slot}:{(entry.Value.Kind switch
        {
            ValueKind.NoOp => "no-op",
            ValueKind.Membership => "members",
            _ => "value",
        })}@{entry.Value.Origin}"
        + $"/{entry.Accepted}";
}
