using KvCloud.Node.Transport;

namespace KvCloud.Node.Cluster;

/// <summary>A peer's last report and its arrival time. Immutable.</summary>
/// <param name="ReceivedTimestamp">Monotonic clock, for the report's age.</param>
/// <param name="ReceivedUnixMs">Wall clock, for people.</param>
/// <param name="LagSlots">
/// Slots known to be chosen before the report was sent that the peer had not applied.
/// </param>
internal sealed record PeerRecord(PeerReport Report, long ReceivedTimestamp, long ReceivedUnixMs, long LagSlots);
