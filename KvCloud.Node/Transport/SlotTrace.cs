using System.Diagnostics;
using KvCloud.Consensus;

namespace KvCloud.Node.Transport;

/// <summary>
/// The leader tells under which span of which trace it proposed a value. Sent before the Accept of the slot, beside
/// consensus, which never sees it; to lose it costs spans and nothing else.
/// </summary>
/// <param name="Origin">With the slot it names the value; see <see cref="Value"/>.</param>
internal sealed record SlotTrace(NodeId From, NodeId To, Slot Slot, Ballot Origin, ActivityContext Context)
    : Message(From, To);
