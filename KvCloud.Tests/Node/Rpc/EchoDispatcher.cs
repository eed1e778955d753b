using System.Collections.Concurrent;
using System.Text;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Methods;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;
using Thrift;

namespace KvCloud.Tests.Node.Rpc;

/// <summary>
/// Answers ping. A message that begins with "hold" is answered only when the test releases it; one that begins with
/// "pool" is answered from the thread pool.
/// </summary>
internal sealed class EchoDispatcher : IRpcDispatcher
{
    private readonly EchoMethod _ping;
    private readonly UnknownMethod _unknown = new();
    private volatile bool _isDraining;

    public EchoDispatcher()
    {
        _ping = new EchoMethod(Held);
    }

    public ConcurrentDictionary<string, HeldCall> Held { get; } = new();

    public IPendingCall? Dispatch(in RequestMessage message, AnswerWriter? direct)
    {
        if (!message.MethodName.SequenceEqual("ping"u8))
        {
            return _unknown.Dispatch(in message, direct);
        }
        if (_isDraining)
        {
            return Refuse(in message, ErrorCode.SHUTTING_DOWN, "draining", direct);
        }
        try
        {
            return _ping.Dispatch(in message, direct);
        }
        catch (ThriftContentException exception)
        {
            return _unknown.Dispatch(
                in message, direct, TApplicationException.ExceptionType.ProtocolError, exception.Message);
        }
    }

    public IPendingCall? Refuse(in RequestMessage message, ErrorCode code, string reason, AnswerWriter? direct)
    {
        if (direct is null)
        {
            return new RefusedCall(_ping, in message, new Refusal(code, reason));
        }
        _ping.WriteRefusal(direct, message.SequenceId, new Refusal(code, reason));
        return null;
    }

    public void RefuseNewCalls() => _isDraining = true;

    private sealed class EchoMethod(ConcurrentDictionary<string, HeldCall> held) : RpcMethod("ping")
    {
        public override IPendingCall? Dispatch(in RequestMessage message, AnswerWriter? direct)
        {
            var request = ThriftCodec.Current.ReadRequest<PingRequest>(in message);
            var text = Encoding.UTF8.GetString(request.Message ?? []);
            if (direct is null || text.StartsWith("hold", StringComparison.Ordinal)
                || text.StartsWith("pool", StringComparison.Ordinal))
            {
                var call = new HeldCall(this, in message, text, request);
                held[text] = call;
                return call;
            }
            ThriftCodec.Current.WriteReply(direct, NameUtf8, message.SequenceId, Answer(request));
            return null;
        }

        public override void WriteRefusal(AnswerWriter output, int sequenceId, in Refusal refusal)
        {
            var answer = new PingResponse(Encoding.UTF8.GetBytes(refusal.Code.ToString()), 0, 0);
            ThriftCodec.Current.WriteReply(output, NameUtf8, sequenceId, answer);
        }
    }

    private static PingResponse Answer(PingRequest request) => new(request.Message ?? [], request.Timestamp, 1);

    internal sealed class HeldCall(RpcMethod method, in RequestMessage message, string text, PingRequest request)
        : PendingCall(method, in message)
    {
        public void Release() => MarkReady();

        public override ErrorCode WriteAnswer(AnswerWriter output)
        {
            ThriftCodec.Current.WriteReply(output, Method.NameUtf8, SequenceId, Answer(request));
            return ErrorCode.OK;
        }

        protected override void Begin()
        {
            if (text.StartsWith("pool", StringComparison.Ordinal))
            {
                ThreadPool.UnsafeQueueUserWorkItem(static call => call.MarkReady(), this, preferLocal: false);
            }
            else if (!text.StartsWith("hold", StringComparison.Ordinal))
            {
                MarkReady();
            }
        }
    }
}
