using KvCloud.Consensus;
using KvCloud.Node.Transport;

namespace KvCloud.Tests.Node.Replication;

/// <summary>Keeps what is sent.</summary>
internal sealed class SentMessages : IConsensusTransport
{
    public void Reconfigure(GroupMembers members, bool isSettled)
    {
    }

    public List<Message> Messages { get; } = [];

    public IReadOnlyList<PeerLink> Links => [];

    public Task StartAsync(
        Action<IReadOnlyList<Message>> onReceived, Action<PeerReport> onReport,
        CancellationToken cancellationToken) =>
        Task.CompletedTask;

    public void Send(IReadOnlyList<Message> messages) => Messages.AddRange(messages);

    public void Report(PeerReport report)
    {
    }

    public LinkState StateOf(NodeId peer) => default;

    public PeerIdentity? IdentityOf(NodeId peer) => null;

    public PeerRelease? ReleaseOf(NodeId node) => null;

    public void RequireFeatureLevel(int level)
    {
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
