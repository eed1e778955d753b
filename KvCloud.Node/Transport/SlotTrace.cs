using System.Diagnostics;
using KvCloud.Consensus;

namespace KvCloud.Node.Transport;

/// <summary>
/// The leader's trace context of a proposed value. Sent before the slot's Accept, alongside consensus, which never sees
/// it; losing it only loses spans.
/// </summary>
/// <param name="Origin">Together with the slot, identifies the value; see <see cref="Value"/>.</param>
internal sealed record SlotTrace(NodeId From, NodeId To, Slot Slot, Ballot Origin, ActivityContext Context)
    : Message(From, To);
