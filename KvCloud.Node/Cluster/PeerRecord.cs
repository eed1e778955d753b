using KvCloud.Node.Transport;

namespace KvCloud.Node.Cluster;

/// <summary>The last report of a peer and when it came. Immutable.</summary>
/// <param name="ReceivedTimestamp">Of the monotonic clock, for the report's age.</param>
/// <param name="ReceivedUnixMs">Of the wall clock, for people.</param>
/// <param name="LagSlots">
/// Slots that were known to be chosen before the report was sent and that it had not applied.
/// </param>
internal sealed record PeerRecord(PeerReport Report, long ReceivedTimestamp, long ReceivedUnixMs, long LagSlots);
