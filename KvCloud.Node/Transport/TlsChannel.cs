using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using KvCloud.Node.Tls;

namespace KvCloud.Node.Transport;

/// <summary>TLS on a socket.</summary>
/// <remarks>
/// SslStream knows no sends that do not block. So once the connection is established it encrypts into memory, and the
/// channel sends from there what the socket takes; nothing more is encrypted until that has left. That memory holds at
/// most <see cref="MaxEncryptedAtOnce"/> bytes and their records' overhead, which control frames cannot overtake.
/// </remarks>
internal sealed class TlsChannel : PeerChannel
{
    /// <summary>A few records: enough that a send is worth its system call.</summary>
    private const int MaxEncryptedAtOnce = 128 * 1024;

    private readonly Ciphertext _ciphertext;
    private readonly SslStream _stream;

    public TlsChannel(Socket socket, TimeProvider time)
        : base(socket, time)
    {
        _ciphertext = new Ciphertext(this);
        _stream = new SslStream(_ciphertext);
    }

    public override bool HasUnsent => _ciphertext.HeldBytes > 0;

    /// <summary>Takes a call; returns the names in the caller's certificate.</summary>
    /// <exception cref="TlsRefusedException">The caller is refused.</exception>
    public IReadOnlyList<string> Accept(PeerTls tls)
    {
        try
        {
            return tls.Accept(_stream);
        }
        catch (Exception error) when (error is IOException or AuthenticationException)
        {
            throw EndOf(error);
        }
    }

    /// <summary>Calls the node, which must be who it has to be by its certificate.</summary>
    /// <exception cref="TlsRefusedException">The answerer is refused.</exception>
    /// <exception cref="AuthenticationException">They agree on nothing, or it refuses this node.</exception>
    /// <exception cref="IOException">The connection ended, as it does where only clear text is spoken.</exception>
    public Task CallAsync(PeerTls tls, int nodeId, CancellationToken cancellationToken) =>
        tls.CallAsync(_stream, nodeId, cancellationToken);

    public override int Receive(Span<byte> buffer)
    {
        try
        {
            return _stream.Read(buffer);
        }
        catch (IOException error)
        {
            throw EndOf(error);
        }
    }

    public override void Send(ReadOnlySpan<byte> bytes)
    {
        try
        {
            _stream.Write(bytes);
        }
        catch (IOException error)
        {
            throw EndOf(error);
        }
    }

    public override async ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        try
        {
            return await _stream.ReadAsync(buffer, cancellationToken);
        }
        catch (IOException error)
        {
            throw EndOf(error);
        }
    }

    public override async ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        try
        {
            await _stream.WriteAsync(bytes, cancellationToken);
        }
        catch (IOException error)
        {
            throw EndOf(error);
        }
    }

    public override SocketError TrySend(ReadOnlySpan<byte> bytes, out int taken)
    {
        taken = 0;
        SocketError error = _ciphertext.TrySendHeld();
        if (error != SocketError.Success || bytes.IsEmpty)
        {
            return error;
        }

        int count = Math.Min(bytes.Length, MaxEncryptedAtOnce);
        try
        {
            _stream.Write(bytes[..count]);
        }
        catch (IOException failure)
        {
            return EndOf(failure) is SocketException socket ? socket.SocketErrorCode : SocketError.ConnectionAborted;
        }

        taken = count;
        return _ciphertext.TrySendHeld();
    }

    /// <summary>From now on what is written is kept for sends that do not block.</summary>
    public void HoldWrites() => _ciphertext.IsHolding = true;

    public override void Dispose() => _stream.Dispose();

    /// <summary>What the socket said, where TLS has wrapped it; else the end, with the reason that TLS gives.</summary>
    private static Exception EndOf(Exception error) =>
        error.InnerException is SocketException or ObjectDisposedException
        ? error.InnerException
        : new EndOfStreamException($"TLS: {error.InnerException?.Message ?? error.Message}", error);

    /// <summary>The encrypted bytes of the connection, below TLS.</summary>
    private sealed class Ciphertext(TlsChannel owner) : Stream
    {
        private const int UsualBytes = 32 * 1024;

        private readonly Lock _lock = new();
        private byte[] _held = [];
        private int _start;
        private int _end;

        public bool IsHolding { get; set; }

        public int HeldBytes
        {
            get
            {
                lock (_lock)
                {
                    return _end - _start;
                }
            }
        }

        public override bool CanRead => true;

        public override bool CanWrite => true;

        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        /// <summary>Success also when nothing is held.</summary>
        public SocketError TrySendHeld()
        {
            lock (_lock)
            {
                while (_start < _end)
                {
                    int sent = owner.Socket.Send(_held.AsSpan(_start.._end), SocketFlags.None, out SocketError error);
                    if (error != SocketError.Success)
                    {
                        return error;
                    }

                    _start += sent;
                }

                _start = 0;
                _end = 0;
                return SocketError.Success;
            }
        }

        public override int Read(Span<byte> buffer) => owner.ReceiveFromSocket(buffer);

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            owner.Socket.ReceiveAsync(buffer, cancellationToken);

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if (IsHolding)
            {
                Hold(buffer);
                return;
            }

            while (buffer.Length > 0)
            {
                buffer = buffer[owner.Socket.Send(buffer, SocketFlags.None)..];
            }
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override async ValueTask WriteAsync(
            ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (IsHolding)
            {
                Hold(buffer.Span);
                return;
            }

            while (buffer.Length > 0)
            {
                buffer = buffer[await owner.Socket.SendAsync(buffer, cancellationToken)..];
            }
        }

        public override void Flush()
        {
            // The channel sends when it is time.
        }

        public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        private void Hold(ReadOnlySpan<byte> bytes)
        {
            lock (_lock)
            {
                int needed = _end + bytes.Length;
                if (needed > _held.Length)
                {
                    Array.Resize(ref _held, Math.Max(needed, Math.Max(UsualBytes, 2 * _held.Length)));
                }

                bytes.CopyTo(_held.AsSpan(_end));
                _end = needed;
            }
        }
    }
}
