using System.Net.Sockets;
using KvCloud.Bench.Wire;
using KvCloud.Protocol.Wire;

namespace KvCloud.Bench.Measure;

/// <summary>
/// A connection with one call at a time, for measurements with few calls. Uses the same protocols as the loop.
/// </summary>
internal sealed class ProbeConnection : IDisposable
{
    private readonly WireProtocol _protocol;
    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly WireBuffer _input = new();
    private readonly WireBuffer _output = new();
    private readonly List<WireAnswer> _answers = [];
    private readonly byte[] _received = new byte[16 * 1024];

    private ProbeConnection(WireProtocol protocol) => _protocol = protocol;

    public static async Task<ProbeConnection> ConnectAsync(
        string endpoint, WireProtocol protocol, CancellationToken cancellationToken)
    {
        (string? host, int port) = Endpoints.Split(endpoint);
        var connection = new ProbeConnection(protocol);
        try
        {
            await connection._socket.ConnectAsync(host, port, cancellationToken).ConfigureAwait(false);
            protocol.Open(connection._output);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public Task<WireAnswer> SetAsync(byte[] key, byte[] value, CancellationToken cancellationToken)
    {
        _protocol.Write(
            new WireCall { Kind = CallKind.Set, Keys = key, KeySizeBytes = key.Length, Value = value }, 0, _output);
        return CallAsync(cancellationToken);
    }

    public void Dispose() => _socket.Dispose();

    private async Task<WireAnswer> CallAsync(CancellationToken cancellationToken)
    {
        _answers.Clear();
        while (_answers.Count == 0)
        {
            if (_output.Length > 0)
            {
                byte[] message = _output.Unread.ToArray();
                _output.Clear();
                for (int sent = 0; sent < message.Length;)
                {
                    sent += await _socket.SendAsync(message.AsMemory(sent), cancellationToken).ConfigureAwait(false);
                }
            }

            int count = await _socket.ReceiveAsync(_received, cancellationToken).ConfigureAwait(false);
            if (count == 0)
            {
                throw new WireException("the connection was closed");
            }

            _input.Write(_received.AsSpan(0, count));
            _protocol.Read(_input, _answers, _output);
        }

        return _answers[0];
    }
}
