using KvCloud.Node.Transport;
using KvCloud.Tests.Node.Transport;

namespace KvCloud.Tests.Simulation;

/// <summary>
/// A node of a <see cref="TalkingWorld"/>: its incarnation, what it remembers of others, its transport.
/// </summary>
internal sealed class TalkingNode(TalkingWorld world, int id, TransportOptions options)
{
    private IncarnationMemory _incarnations = new();
    private long _incarnation = 1_000 + id;

    public int Id => id;

    public int Starts { get; private set; }

    public SimTransport? Transport { get; private set; }

    public void Start()
    {
        Starts++;
        Transport = world.Network.Join(
            TestNode.Identity(id, incarnation: _incarnation),
            world.Nodes.Select(node => node.Id).Where(other => other != id),
            _incarnations,
            Bootstrap.Done,
            options);
        Task started = Transport.StartAsync(
            messages => world.Received(id, messages), _ => { }, CancellationToken.None);
        Assert.True(started.IsCompletedSuccessfully);
    }

    public void Stop()
    {
        Assert.True(Transport!.DisposeAsync().AsTask().IsCompletedSuccessfully);
        Transport = null;
    }

    public void Crash(bool isPowerCut)
    {
        Transport!.Crash(isPowerCut);
        Transport = null;
    }

    public void Wipe()
    {
        _incarnations = new IncarnationMemory();
        _incarnation += 1_000_000;
    }
}
