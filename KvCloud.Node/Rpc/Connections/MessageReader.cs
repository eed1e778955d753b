using System.Buffers;
using System.Buffers.Binary;
using KvCloud.Node.Access;
using KvCloud.Node.Replication;
using KvCloud.Node.Rpc.Flows;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol.Wire;

namespace KvCloud.Node.Rpc.Connections;

/// <summary>Splits the input of one connection into messages.</summary>
/// <remarks>
/// The client's first four bytes show whether it frames its messages: a strict binary message begins with 80 01, a
/// frame with its length, which never does. A message that exceeds the node's budget is scanned to its end without
/// being kept, so that it can be answered OVERLOADED.
/// </remarks>
internal sealed class MessageReader(
    RpcLimits limits, RpcBudget budget, RpcFlow flow, IReplicaClock clock, Caller? caller = null)
{
    private readonly Caller _caller = caller ?? new Caller(null);

    private const int PrefixBytes = ThriftFormat.FrameHeaderBytes;

    /// <summary>A TLS connection begins with these two bytes, which claim a frame of 352 MiB or more.</summary>
    private const byte TlsHandshakeRecord = 0x16;
    private const byte TlsMajorVersion = 0x03;

    /// <summary>A smaller partial message is not charged to the budget.</summary>
    private const int ReserveAboveBytes = 4 * 1024;

    private ThriftScanner _scanner;
    private bool _isInMessage;
    private int _frameBytes;
    private int _scannedBytes;
    private long _reservedBytes;
    private byte[]? _rented;
    private byte[]? _refusedHeader;

    /// <summary>Whom large messages are charged to. Set between two messages, while nothing is.</summary>
    public RpcFlow Flow { get; set; } = flow;

    /// <summary>Whether messages are framed; null until the first four bytes have come.</summary>
    public bool? IsFramed { get; private set; }

    /// <summary>What is wrong with the input, or null. After an error the connection cannot continue.</summary>
    public string? Error { get; private set; }

    /// <summary>
    /// The limit for which the last message, of which only the header was kept, was refused; null if it was not.
    /// </summary>
    public string? FullLimit { get; private set; }

    /// <summary>
    /// <see cref="IReplicaClock.NowMs"/> at the start of the message being received; 0 if there is none.
    /// </summary>
    public long PartialSinceMs { get; private set; }

    /// <summary>
    /// Takes the next whole message off the front of <paramref name="buffer"/>. The message is valid until
    /// <see cref="Release"/>, and no longer than the buffer.
    /// </summary>
    public bool TryRead(ref ReadOnlySequence<byte> buffer, long receivedTimestamp, out RequestMessage message)
    {
        message = default;
        if (!_isInMessage && !TryBegin(ref buffer))
        {
            return false;
        }

        Scan(ref buffer);
        if (Error is not null || !_scanner.IsComplete)
        {
            return false;
        }

        if (_refusedHeader is not null)
        {
            message = RequestMessage.Parse(_refusedHeader, receivedTimestamp, _caller);
        }
        else
        {
            message = RequestMessage.Parse(
                Contiguous(buffer.Slice(0, _scannedBytes)), receivedTimestamp, _caller);
            buffer = buffer.Slice(_scannedBytes);
            FullLimit = null;
        }

        // From here on the call is charged for the bytes that were reserved for the message.
        ReleaseReserved();
        _isInMessage = false;
        PartialSinceMs = 0;
        return true;
    }

    /// <summary>Releases the last message.</summary>
    public void Release()
    {
        if (_rented is not null)
        {
            ArrayPool<byte>.Shared.Return(_rented);
            _rented = null;
        }

        ReleaseReserved();
        _refusedHeader = null;
    }

    /// <summary>Counts the time of a message that is being received from now on.</summary>
    public void RestartPartial()
    {
        if (PartialSinceMs != 0)
        {
            PartialSinceMs = clock.NowMs;
        }
    }

    private void ReleaseReserved()
    {
        if (_reservedBytes > 0)
        {
            budget.ReleaseReserved(Flow, _reservedBytes);
            _reservedBytes = 0;
        }
    }

    private bool TryBegin(ref ReadOnlySequence<byte> buffer)
    {
        if (IsFramed == false)
        {
            if (buffer.IsEmpty)
            {
                return false;
            }

            BeginMessage(limits.MaxMessageBytes);
            return true;
        }

        if (buffer.Length < PrefixBytes)
        {
            PartialSinceMs = buffer.IsEmpty ? 0 : StartOfPartial();
            return false;
        }

        Span<byte> prefix = stackalloc byte[PrefixBytes];
        buffer.Slice(0, PrefixBytes).CopyTo(prefix);
        if (IsFramed is null && prefix[0] == 0x80 && prefix[1] == 0x01)
        {
            IsFramed = false;
            BeginMessage(limits.MaxMessageBytes);
            return true;
        }

        int length = BinaryPrimitives.ReadInt32BigEndian(prefix);
        if (length <= 0 || length > limits.MaxMessageBytes)
        {
            Error = IsFramed is null && length <= 0 ? "neither a strict binary message nor a frame"
                : IsFramed is null && prefix[0] == TlsHandshakeRecord && prefix[1] == TlsMajorVersion
                    ? "it speaks TLS, and this port speaks clear text (tls.clients)"
                : $"frame of {(uint)length} bytes, the limit is {limits.MaxMessageBytes} (max_message_bytes)";
            return false;
        }

        IsFramed = true;
        _frameBytes = length;
        buffer = buffer.Slice(PrefixBytes);
        BeginMessage(length);
        return true;
    }

    private void BeginMessage(int maxBytes)
    {
        _isInMessage = true;
        _scannedBytes = 0;
        _scanner.Reset(maxBytes);
    }

    private void Scan(ref ReadOnlySequence<byte> buffer)
    {
        ReadOnlySequence<byte> rest = buffer.Slice(_scannedBytes);
        foreach (ReadOnlyMemory<byte> piece in rest)
        {
            _scannedBytes += _scanner.Feed(piece.Span);
            if (_scanner.IsComplete || _scanner.Error is not null)
            {
                break;
            }
        }

        if (_scanner.Error is not null)
        {
            Error = _scanner.Error;
            return;
        }

        if (_scanner.IsComplete && IsFramed == true && _scanner.Consumed != _frameBytes)
        {
            Error = $"frame of {_frameBytes} bytes around a message of {_scanner.Consumed}";
            return;
        }

        if (_refusedHeader is not null)
        {
            buffer = buffer.Slice(_scannedBytes);
            _scannedBytes = 0;
        }
        else if (!_scanner.IsComplete)
        {
            PartialSinceMs = StartOfPartial();
            Reserve(ref buffer);
        }
    }

    private long StartOfPartial() => PartialSinceMs == 0 ? clock.NowMs : PartialSinceMs;

    /// <summary>
    /// Reserves budget for the received part of a large message. The reservation doubles, so that many small pieces
    /// cost few steps.
    /// </summary>
    private void Reserve(ref ReadOnlySequence<byte> buffer)
    {
        if (_scannedBytes <= Math.Max(ReserveAboveBytes, _reservedBytes) || !_scanner.HasHeader)
        {
            return;
        }

        long wanted = Math.Min(2L * _scannedBytes, limits.MaxMessageBytes) - _reservedBytes;
        if (budget.TryReserve(Flow, wanted, out string? fullLimit))
        {
            _reservedBytes += wanted;
            return;
        }

        var start = RequestMessage.Parse(buffer.Slice(0, Math.Min(buffer.Length, 256)).ToArray(), 0);
        Release();
        FullLimit = fullLimit;
        _refusedHeader = start.Bytes[..start.ArgumentsStart].ToArray();
        buffer = buffer.Slice(_scannedBytes);
        _scannedBytes = 0;
    }

    private ReadOnlyMemory<byte> Contiguous(ReadOnlySequence<byte> message)
    {
        if (message.IsSingleSegment)
        {
            return message.First;
        }

        int length = (int)message.Length;
        _rented = ArrayPool<byte>.Shared.Rent(length);
        message.CopyTo(_rented);
        return _rented.AsMemory(0, length);
    }
}
