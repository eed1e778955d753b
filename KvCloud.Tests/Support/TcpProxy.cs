using System.Net;
using System.Net.Sockets;

namespace KvCloud.Tests.Support;

/// <summary>
/// Forwards one loopback port to another and can misbehave at run time: cut all connections and take no new ones,
/// stop the bytes of one direction, delay them, or let only so many through in a second. Put one between two
/// processes and the network between them is in the hands of the test. "Up" is from the caller to the target.
/// </summary>
public sealed class TcpProxy : IAsyncDisposable
{
    private const int BufferBytes = 64 * 1024;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private readonly HashSet<Socket> _sockets = [];
    private readonly List<Task> _running = [];
    private readonly Func<EndPoint> _target;
    private volatile bool _isCut;
    private int _accepted;
    private TaskCompletionSource _changed = NewSignal();

    /// <summary>Starts at once, on a free port.</summary>
    public TcpProxy(EndPoint target)
        : this(() => target)
    {
    }

    /// <param name="target">Asked for each connection, so that the target may move.</param>
    public TcpProxy(Func<EndPoint> target)
    {
        _target = target;
        _listener.Start();
        _running.Add(Task.Run(AcceptAsync));
    }

    public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndpoint;

    /// <summary>What holds for bytes from the caller to the target.</summary>
    public Direction Up { get; } = new();

    /// <summary>What holds for bytes from the target to the caller.</summary>
    public Direction Down { get; } = new();

    /// <summary>Connections taken so far.</summary>
    public int Accepted => Volatile.Read(ref _accepted);

    /// <summary>Breaks all connections; new ones are closed at once until <see cref="Restore"/>.</summary>
    public void Cut()
    {
        _isCut = true;
        CloseAll();
    }

    /// <summary>Breaks all connections; the caller may connect anew.</summary>
    public void Reset() => CloseAll();

    /// <summary>Everything gets through again: nothing is cut, blocked, delayed or throttled.</summary>
    public void Restore()
    {
        _isCut = false;
        Up.Set(isBlocked: false, TimeSpan.Zero, null);
        Down.Set(isBlocked: false, TimeSpan.Zero, null);
        Wake();
    }

    /// <summary>
    /// Stops or lets go the bytes of one direction. What was stopped is not lost, as in TCP over a bad network.
    /// </summary>
    public void Block(Direction direction, bool isBlocked)
    {
        direction.Set(isBlocked, direction.Delay, direction.BytesPerSecond);
        Wake();
    }

    /// <summary>Each piece of bytes of the direction is held back for so long.</summary>
    public void Delay(Direction direction, TimeSpan delay)
    {
        direction.Set(direction.IsBlocked, delay, direction.BytesPerSecond);
        Wake();
    }

    /// <summary>At most so many bytes pass in the direction; null takes the limit away.</summary>
    public void Throttle(Direction direction, int? bytesPerSecond)
    {
        direction.Set(direction.IsBlocked, direction.Delay, bytesPerSecond);
        Wake();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        CloseAll();
        Task[] running;
        lock (_lock)
        {
            running = [.. _running];
        }

        await Task.WhenAll(running);
        _listener.Dispose();
        _stop.Dispose();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Wake() => Interlocked.Exchange(ref _changed, NewSignal()).TrySetResult();

    private void CloseAll()
    {
        Socket[] sockets;
        lock (_lock)
        {
            sockets = [.. _sockets];
            _sockets.Clear();
        }

        foreach (Socket socket in sockets)
        {
            socket.Dispose();
        }
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            Socket caller;
            try
            {
                caller = await _listener.AcceptSocketAsync(_stop.Token);
            }
            catch (Exception error)
                when (error is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }

            if (_isCut)
            {
                caller.Dispose();
                continue;
            }

            Interlocked.Increment(ref _accepted);
            lock (_lock)
            {
                _running.RemoveAll(task => task.IsCompleted);
                _running.Add(ForwardAsync(caller));
            }
        }
    }

    private async Task ForwardAsync(Socket caller)
    {
        EndPoint target = _target();
        using Socket callerSocket = caller;
        using var targetSocket = new Socket(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        if (!Track(callerSocket, targetSocket))
        {
            return;
        }

        try
        {
            callerSocket.NoDelay = true;
            targetSocket.NoDelay = true;
            await targetSocket.ConnectAsync(target, _stop.Token);
            await Task.WhenAll(
                CopyAsync(callerSocket, targetSocket, Up), CopyAsync(targetSocket, callerSocket, Down));
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // One side is gone; disposing of both tells the other.
        }
        finally
        {
            lock (_lock)
            {
                _sockets.Remove(callerSocket);
                _sockets.Remove(targetSocket);
            }
        }
    }

    private bool Track(Socket caller, Socket target)
    {
        lock (_lock)
        {
            if (_isCut || _stop.IsCancellationRequested)
            {
                return false;
            }

            _sockets.Add(caller);
            _sockets.Add(target);
            return true;
        }
    }

    private async Task CopyAsync(Socket from, Socket to, Direction direction)
    {
        try
        {
            byte[] buffer = new byte[BufferBytes];
            while (true)
            {
                int limit = direction.BytesPerSecond is int rate ? Math.Clamp(rate / 20, 1, BufferBytes) : BufferBytes;
                int count = await from.ReceiveAsync(buffer.AsMemory(0, limit), _stop.Token);
                if (count == 0)
                {
                    to.Shutdown(SocketShutdown.Send);
                    return;
                }

                direction.Sniff(buffer.AsSpan(0, count));
                await HoldAsync(direction, count);
                ReadOnlyMemory<byte> rest = buffer.AsMemory(0, count);
                while (rest.Length > 0)
                {
                    rest = rest[await to.SendAsync(rest, _stop.Token)..];
                }

                direction.Count(count);
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // A broken connection is broken in both directions.
            from.Dispose();
            to.Dispose();
        }
    }

    private async Task HoldAsync(Direction direction, int count)
    {
        TimeSpan delay = direction.Delay;
        if (direction.BytesPerSecond is int rate)
        {
            delay += TimeSpan.FromSeconds((double)count / rate);
        }

        if (delay > TimeSpan.Zero)
        {
            await Task.Delay(delay, _stop.Token);
        }

        while (true)
        {
            Task changed = Volatile.Read(ref _changed).Task;
            if (!direction.IsBlocked)
            {
                return;
            }

            await changed.WaitAsync(_stop.Token);
        }
    }

    /// <summary>How the proxy treats one direction.</summary>
    public sealed class Direction
    {
        private long _bytes;
        private volatile State _state = new(false, TimeSpan.Zero, null);

        public bool IsBlocked => _state.IsBlocked;

        public TimeSpan Delay => _state.Delay;

        public int? BytesPerSecond => _state.BytesPerSecond;

        /// <summary>Bytes let through so far.</summary>
        public long Bytes => Interlocked.Read(ref _bytes);

        /// <summary>The bytes that came first on the connection that was made first; empty before.</summary>
        public byte[] First { get; private set; } = [];

        internal void Sniff(ReadOnlySpan<byte> bytes)
        {
            if (First.Length == 0)
            {
                First = bytes.ToArray();
            }
        }

        internal void Set(bool isBlocked, TimeSpan delay, int? bytesPerSecond) =>
            _state = new State(isBlocked, delay, bytesPerSecond);

        internal void Count(int bytes) => Interlocked.Add(ref _bytes, bytes);

        private sealed record State(bool IsBlocked, TimeSpan Delay, int? BytesPerSecond);
    }
}
