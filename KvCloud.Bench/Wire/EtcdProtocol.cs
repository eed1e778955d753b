using System.Buffers.Binary;
using KvCloud.Bench.Load;
using KvCloud.Protocol.Wire;

namespace KvCloud.Bench.Wire;

/// <summary>
/// etcd's KV service: hand-written gRPC over HTTP/2 (RFC 9113), only what unary calls need, so that the generator costs
/// as little for etcd as for KvCloud. Header tables, flow control and pings behave like a full client's, so the server
/// has no extra work.
/// </summary>
/// <remarks>
/// Headers of answers are not decoded: a failed unary gRPC call has no message, and a successful one has exactly one.
/// </remarks>
internal sealed class EtcdProtocol(string authority) : WireProtocol
{
    private const int FrameHeaderBytes = 9;
    private const int GrpcPrefixBytes = 5;
    private const int DefaultWindowBytes = 65_535;
    private const int LargestWindowBytes = int.MaxValue;
    private const int ReplenishBytes = 1 << 29;

    private readonly RequestHeaders _headers = new(authority);
    private readonly WireBuffer _message = new();
    private readonly Dictionary<int, Stream> _streams = [];
    private readonly List<Blocked> _blocked = [];
    private int _nextStream = 1;
    private long _connectionWindow = DefaultWindowBytes;
    private int _initialStreamWindow = DefaultWindowBytes;
    private int _maxFrameBytes = 16_384;
    private long _receivedBytes;

    private enum FrameType : byte
    {
        Data = 0,
        Headers = 1,
        ResetStream = 3,
        Settings = 4,
        PushPromise = 5,
        Ping = 6,
        GoAway = 7,
        WindowUpdate = 8,
    }

    [Flags]
    private enum FrameFlags : byte
    {
        None = 0,
        EndStreamOrAcknowledge = 1,
        EndHeaders = 4,
        Padded = 8,
    }

    public override void Open(WireBuffer output)
    {
        output.Write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8);
        BeginFrame(output, 12, FrameType.Settings, FrameFlags.None, 0);
        WriteSetting(output, 2, 0);
        WriteSetting(output, 4, LargestWindowBytes);
        WriteWindowUpdate(output, LargestWindowBytes - DefaultWindowBytes);
    }

    public override void Write(in WireCall call, int token, WireBuffer output)
    {
        int stream = _nextStream;
        _nextStream += 2;
        _streams.Add(stream, new Stream(token, EtcdMessages.IsRead(call.Kind), HasMessage: false, Found: true));

        _message.Clear();
        EtcdMessages.Write(call, _message);
        ReadOnlySpan<byte> headers = _headers.Encode(EtcdMessages.MethodOf(call.Kind));
        BeginFrame(output, headers.Length, FrameType.Headers, FrameFlags.EndHeaders, stream);
        output.Write(headers);

        ReadOnlySpan<byte> message = _message.Unread;
        if (message.Length <= _maxFrameBytes && message.Length <= _initialStreamWindow
            && message.Length <= _connectionWindow && _blocked.Count == 0)
        {
            _connectionWindow -= message.Length;
            BeginFrame(output, message.Length, FrameType.Data, FrameFlags.EndStreamOrAcknowledge, stream);
            output.Write(message);
            return;
        }

        // Copies only if flow control or the frame size requires it, which does not happen for small calls.
        _blocked.Add(new Blocked(stream, message.ToArray()) { Window = _initialStreamWindow });
        SendBlocked(output);
    }

    public override void Read(WireBuffer input, List<WireAnswer> answers, WireBuffer output)
    {
        while (input.Length >= FrameHeaderBytes)
        {
            ReadOnlySpan<byte> header = input.Unread[..FrameHeaderBytes];
            int length = (header[0] << 16) | (header[1] << 8) | header[2];
            if (input.Length < FrameHeaderBytes + length)
            {
                break;
            }

            int stream = BinaryPrimitives.ReadInt32BigEndian(header[5..]) & int.MaxValue;
            ReadOnlySpan<byte> payload = input.Unread.Slice(FrameHeaderBytes, length);
            ReadFrame((FrameType)header[3], (FrameFlags)header[4], stream, payload, answers, output);
            input.Consume(FrameHeaderBytes + length);
        }

        if (_receivedBytes >= ReplenishBytes)
        {
            WriteWindowUpdate(output, (int)_receivedBytes);
            _receivedBytes = 0;
        }
    }

    private void ReadFrame(
        FrameType type, FrameFlags flags, int stream, ReadOnlySpan<byte> payload, List<WireAnswer> answers,
        WireBuffer output)
    {
        switch (type)
        {
            case FrameType.Data:
                _receivedBytes += payload.Length;
                NoteMessage(stream, flags.HasFlag(FrameFlags.Padded) ? payload[1..^payload[0]] : payload);
                EndIfLast(flags, stream, answers);
                break;
            case FrameType.Headers:
                EndIfLast(flags, stream, answers);
                break;
            case FrameType.ResetStream:
                uint code = BinaryPrimitives.ReadUInt32BigEndian(payload);
                End(stream, answers, $"etcd reset the stream, HTTP/2 error {code}");
                break;
            case FrameType.Settings when !flags.HasFlag(FrameFlags.EndStreamOrAcknowledge):
                ApplySettings(payload);
                BeginFrame(output, 0, FrameType.Settings, FrameFlags.EndStreamOrAcknowledge, 0);
                SendBlocked(output);
                break;
            case FrameType.Ping when !flags.HasFlag(FrameFlags.EndStreamOrAcknowledge):
                BeginFrame(output, payload.Length, FrameType.Ping, FrameFlags.EndStreamOrAcknowledge, 0);
                output.Write(payload);
                break;
            case FrameType.WindowUpdate:
                AddWindow(stream, BinaryPrimitives.ReadInt32BigEndian(payload) & int.MaxValue);
                SendBlocked(output);
                break;
            case FrameType.GoAway:
                throw new WireException("etcd sent GOAWAY");
            case FrameType.PushPromise:
                throw new WireException("etcd sent PUSH_PROMISE, which was disabled");
            default:
                // Acknowledgements, priorities, continuations of headers that are not decoded, and frames that RFC 9113
                // says to ignore.
                break;
        }
    }

    private void NoteMessage(int stream, ReadOnlySpan<byte> data)
    {
        if (data.Length >= GrpcPrefixBytes && _streams.TryGetValue(stream, out Stream state) && !state.HasMessage)
        {
            bool found = !state.IsRead || EtcdMessages.HasRows(data[GrpcPrefixBytes..]);
            _streams[stream] = state with { HasMessage = true, Found = found };
        }
    }

    private void EndIfLast(FrameFlags flags, int stream, List<WireAnswer> answers)
    {
        if (flags.HasFlag(FrameFlags.EndStreamOrAcknowledge))
        {
            End(stream, answers, "etcd refused the call (a gRPC status other than OK)");
        }
    }

    private void End(int stream, List<WireAnswer> answers, string otherwise)
    {
        if (_streams.Remove(stream, out Stream state))
        {
            answers.Add(state.HasMessage
                ? new WireAnswer(state.Token, state.Found ? CallStatus.Ok : CallStatus.NotFound)
                : new WireAnswer(state.Token, CallStatus.Refused, otherwise));
        }

        _blocked.RemoveAll(blocked => blocked.Stream == stream);
    }

    private void ApplySettings(ReadOnlySpan<byte> payload)
    {
        for (; payload.Length >= 6; payload = payload[6..])
        {
            int value = BinaryPrimitives.ReadInt32BigEndian(payload[2..]);
            switch (BinaryPrimitives.ReadInt16BigEndian(payload))
            {
                case 1:
                    _headers.LimitTable(value);
                    break;
                case 4:
                    foreach (Blocked blocked in _blocked)
                    {
                        blocked.Window += value - _initialStreamWindow;
                    }

                    _initialStreamWindow = value;
                    break;
                case 5:
                    _maxFrameBytes = value;
                    break;
                default:
                    break;
            }
        }
    }

    private void AddWindow(int stream, int increment)
    {
        if (stream == 0)
        {
            _connectionWindow += increment;
        }
        else if (_blocked.Find(blocked => blocked.Stream == stream) is { } waiting)
        {
            waiting.Window += increment;
        }
    }

    private void SendBlocked(WireBuffer output)
    {
        for (int i = 0; i < _blocked.Count && _connectionWindow > 0;)
        {
            Blocked blocked = _blocked[i];
            while (blocked.Rest > 0 && Math.Min(_connectionWindow, blocked.Window) > 0)
            {
                int size = (int)Math.Min(
                    Math.Min(blocked.Rest, _maxFrameBytes), Math.Min(_connectionWindow, blocked.Window));
                bool last = size == blocked.Rest;
                BeginFrame(
                    output, size, FrameType.Data, last
                        ? FrameFlags.EndStreamOrAcknowledge
                        : FrameFlags.None, blocked.Stream);
                output.Write(blocked.Take(size));
                _connectionWindow -= size;
            }

            if (blocked.Rest == 0)
            {
                _blocked.RemoveAt(i);
            }
            else
            {
                i++;
            }
        }
    }

    private static void BeginFrame(WireBuffer output, int length, FrameType type, FrameFlags flags, int stream)
    {
        Span<byte> room = output.GetSpan(FrameHeaderBytes);
        BinaryPrimitives.WriteInt32BigEndian(room, length << 8);
        room[3] = (byte)type;
        room[4] = (byte)flags;
        BinaryPrimitives.WriteInt32BigEndian(room[5..], stream);
        output.Advance(FrameHeaderBytes);
    }

    private static void WriteSetting(WireBuffer output, short id, int value)
    {
        BinaryPrimitives.WriteInt16BigEndian(output.GetSpan(2), id);
        output.Advance(2);
        output.WriteInt32(value);
    }

    private static void WriteWindowUpdate(WireBuffer output, int increment)
    {
        BeginFrame(output, 4, FrameType.WindowUpdate, FrameFlags.None, 0);
        output.WriteInt32(increment);
    }

    private readonly record struct Stream(int Token, bool IsRead, bool HasMessage, bool Found);

    private sealed class Blocked(int stream, byte[] message)
    {
        private int _sent;

        public int Stream => stream;

        public long Window { get; set; }

        public int Rest => message.Length - _sent;

        public ReadOnlySpan<byte> Take(int size)
        {
            _sent += size;
            Window -= size;
            return message.AsSpan(_sent - size, size);
        }
    }
}
