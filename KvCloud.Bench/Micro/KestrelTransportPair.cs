using KvCloud.Consensus;
using KvCloud.Node.Transport;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace KvCloud.Bench.Micro;

/// <summary>
/// What replicas would have if Kestrel's sockets carried their messages: the same two connections, frames and codec,
/// pipes in between, and read loops that the thread pool runs.
/// </summary>
/// <param name="isInline">Runs continuations of pipes on the thread that completes them, without a dispatch.</param>
internal sealed class KestrelTransportPair(bool isInline) : ITransportPair
{
    private readonly SocketTransportOptions _options = new()
    {
        // As much as the own transport queues for a peer, so that neither ever waits for room.
        MaxWriteBufferSize = new TransportOptions().MaxQueuedBulkBytes,
        UnsafePreferInlineScheduling = isInline,
    };

    private KestrelPeer? _one;
    private KestrelPeer? _two;

    public async Task StartAsync(
        Action<IReadOnlyList<Message>> receivedByOne, Action<IReadOnlyList<Message>> receivedByTwo)
    {
        _one = await KestrelPeer.ListenAsync(_options, receivedByOne).ConfigureAwait(false);
        _two = await KestrelPeer.ListenAsync(_options, receivedByTwo).ConfigureAwait(false);
        await _one.ConnectAsync(_two.EndPoint).ConfigureAwait(false);
        await _two.ConnectAsync(_one.EndPoint).ConfigureAwait(false);
    }

    public void SendFromOne(IReadOnlyList<Message> messages) => _one!.Send(messages);

    public void SendFromTwo(IReadOnlyList<Message> messages) => _two!.Send(messages);

    /// <summary>Both at once: each reads until the other closes.</summary>
    public async ValueTask DisposeAsync()
    {
        Task one = _one?.DisposeAsync().AsTask() ?? Task.CompletedTask;
        Task two = _two?.DisposeAsync().AsTask() ?? Task.CompletedTask;
        await Task.WhenAll(one, two).ConfigureAwait(false);
    }
}
