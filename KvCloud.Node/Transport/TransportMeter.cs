using System.Diagnostics.Metrics;

namespace KvCloud.Node.Transport;

/// <summary>
/// Meter "KvCloud.Transport", by peer. The counts are kept by the links anyway and only read when somebody measures.
/// </summary>
internal sealed class TransportMeter : IDisposable
{
    public const string Name = "KvCloud.Transport";

    private readonly Meter _meter = new(Name);
    private readonly IReadOnlyCollection<Peer> _peers;
    private readonly KeyValuePair<string, object?> _self;

    public TransportMeter(int selfId, IReadOnlyCollection<Peer> peers)
    {
        _peers = peers;
        _self = new KeyValuePair<string, object?>("node", selfId);
        Count("sent.bytes", "By", "Bytes sent to a peer.", peer => peer.SentBytes);
        Count("sent.messages", "{message}", "Messages sent to a peer.", peer => peer.SentMessages);
        Count("received.bytes", "By", "Bytes received from a peer.", peer => peer.ReceivedBytes);
        Count("received.messages", "{message}", "Messages received from a peer.", peer => peer.ReceivedMessages);
        Count("dropped.messages", "{message}", "Messages for a peer that were given up.", peer => peer.DroppedMessages);
        Count("reconnects", "{connection}", "Connections made to a peer after the first.", peer => peer.Reconnects);
        _meter.CreateObservableGauge(
            "kvcloud.transport.connected",
            () => Measure(peer => peer.IsConnected ? 1 : 0),
            unit: null,
            "1 while messages to a peer have a connection, else 0.");
    }

    public void Dispose() => _meter.Dispose();

    private void Count(string name, string unit, string description, Func<Peer, long> value) =>
        _meter.CreateObservableCounter("kvcloud.transport." + name, () => Measure(value), unit, description);

    private IEnumerable<Measurement<long>> Measure(Func<Peer, long> value) => _peers.Select(
        peer => new Measurement<long>(value(peer), _self, new KeyValuePair<string, object?>("peer", peer.Id.Value)));
}
