using KvCloud.Node.Transport;

namespace KvCloud.Tests.Node.Transport;

public sealed class TransportOptionsTests
{
    [Fact]
    public void Validate_defaults_pass() => new TransportOptions().Validate();

    [Theory]
    [MemberData(nameof(Impossible))]
    public void Validate_impossible_setting_is_named(string name, object options)
    {
        ArgumentException error = Assert.Throws<ArgumentException>(((TransportOptions)options).Validate);
        Assert.Contains(name, error.Message, StringComparison.Ordinal);
    }

    public static TheoryData<string, object> Impossible() => new()
    {
        { "MaxFrameBytes", new TransportOptions { MaxFrameBytes = 1000 } },
        { "MaxQueuedBulkBytes", new TransportOptions { MaxQueuedBulkBytes = 1024 * 1024 } },
        { "MaxQueuedControlBytes", new TransportOptions { MaxQueuedControlBytes = 1 } },
        { "MaxPendingHandshakes", new TransportOptions { MaxPendingHandshakes = 0 } },
        { "HandshakeTimeoutMs", new TransportOptions { HandshakeTimeoutMs = 0 } },
        { "ConnectTimeoutMs", new TransportOptions { ConnectTimeoutMs = 0 } },
        { "PeerTimeoutMs", new TransportOptions { PeerTimeoutMs = 0 } },
        { "MinReconnectDelayMs", new TransportOptions { MinReconnectDelayMs = 0 } },
        { "MaxReconnectDelayMs", new TransportOptions { MaxReconnectDelayMs = 1 } },
        { "RepeatedLogIntervalMs", new TransportOptions { RepeatedLogIntervalMs = -1 } },
    };
}
