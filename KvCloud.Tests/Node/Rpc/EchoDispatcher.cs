using System.Collections.Concurrent;
using System.Text;
using KvCloud.Node.Operations;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Methods;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;

namespace KvCloud.Tests.Node.Rpc;

/// <summary>
/// Answers ping. A message that begins with "hold" is answered only when the test releases it; one that begins with
/// "pool" is answered from the thread pool; one that begins with "scan" is a costly one, and is given slices until the
/// test releases it.
/// </summary>
internal sealed class EchoDispatcher : IRpcDispatcher
{
    private readonly EchoMethod _ping;
    private readonly UnknownMethod _unknown = new();
    private volatile bool _isDraining;

    public EchoDispatcher()
    {
        _ping = new EchoMethod(Held, Scans);
    }

    public ConcurrentDictionary<string, HeldCall> Held { get; } = new();

    public ConcurrentDictionary<string, ScanCall> Scans { get; } = new();

    public IPendingCall Dispatch(in RequestMessage message)
    {
        if (!message.MethodName.SequenceEqual("ping"u8))
        {
            return _unknown.Dispatch(in message);
        }

        if (_isDraining)
        {
            return Refuse(in message, ErrorCode.SHUTTING_DOWN, "draining");
        }

        try
        {
            return _ping.Dispatch(in message);
        }
        catch (ThriftContentException exception)
        {
            return _unknown.RefuseArguments(in message, exception);
        }
    }

    public IPendingCall Refuse(in RequestMessage message, ErrorCode code, string reason) =>
        _ping.Refuse(in message, new Refusal(code, reason));

    public void RefuseNewCalls() => _isDraining = true;

    private sealed class EchoMethod(
        ConcurrentDictionary<string, HeldCall> held, ConcurrentDictionary<string, ScanCall> scans)
        : RpcMethod("ping", OperationKind.Node)
    {
        public override IPendingCall Dispatch(in RequestMessage message)
        {
            PingRequest request = ThriftCodec.Current.ReadRequest<PingRequest>(in message);
            string text = Encoding.UTF8.GetString(request.Message ?? []);
            if (text.StartsWith("scan", StringComparison.Ordinal))
            {
                return scans[text] = new ScanCall(this, in message, request);
            }

            return new HeldCall(this, in message, text, request, held);
        }

        public override void WriteRefusal(AnswerWriter output, int sequenceId, in Refusal refusal)
        {
            var answer = new PingResponse(Encoding.UTF8.GetBytes(refusal.Code.ToString()), 0, 0);
            ThriftCodec.Current.WriteReply(output, NameUtf8, sequenceId, answer);
        }
    }

    private static PingResponse Answer(PingRequest request) => new(request.Message ?? [], request.Timestamp, 1);

    /// <summary>A costly call without an end, until it is released.</summary>
    internal sealed class ScanCall(RpcMethod method, in RequestMessage message, PingRequest request)
        : PendingCall(method, in message), ICostlyCall
    {
        private int _slices;

        public int Slices => Volatile.Read(ref _slices);

        /// <summary>The thread that worked on it last.</summary>
        public Thread? AdvancedBy { get; private set; }

        public bool IsReleased { get; set; }

        public bool IsDropped { get; private set; }

        public long DeadlineMs { get; set; } = long.MaxValue;

        public override bool TryWriteAnswer(AnswerWriter output, out ErrorCode code)
        {
            code = default;
            return false;
        }

        public ScanProgress Advance(IScanSlice slice, AnswerWriter output, out ErrorCode code)
        {
            code = ErrorCode.OK;
            AdvancedBy = Thread.CurrentThread;
            Interlocked.Increment(ref _slices);
            Thread.Yield();
            if (slice.IsCancelled)
            {
                return ScanProgress.Cancelled;
            }

            if (!IsReleased)
            {
                return ScanProgress.Unfinished;
            }

            ThriftCodec.Current.WriteReply(output, Method.NameUtf8, SequenceId, Answer(request));
            return ScanProgress.Answered;
        }

        public ErrorCode WriteOverloaded(AnswerWriter output, string fullLimit)
        {
            var answer = new PingResponse(Encoding.UTF8.GetBytes($"OVERLOADED: {fullLimit}"), 0, 0);
            ThriftCodec.Current.WriteReply(output, Method.NameUtf8, SequenceId, answer);
            return ErrorCode.OVERLOADED;
        }

        public void Drop() => IsDropped = true;
    }

    /// <summary>One that waits is among <paramref name="held"/>.</summary>
    internal sealed class HeldCall(
        RpcMethod method,
        in RequestMessage message,
        string text,
        PingRequest request,
        ConcurrentDictionary<string, HeldCall> held)
        : PendingCall(method, in message)
    {
        /// <summary>The thread that wrote the answer.</summary>
        public Thread? AnsweredBy { get; private set; }

        public void Release() => MarkReady();

        /// <summary>As a thread of replication answers a write that was alone in its slot.</summary>
        public void ReleaseAlone() => MarkReady(isAlone: true);

        protected override bool CanAnswerNow => !IsHeld && !IsPooled;

        private bool IsHeld => text.StartsWith("hold", StringComparison.Ordinal);

        private bool IsPooled => text.StartsWith("pool", StringComparison.Ordinal);

        public override bool TryWriteAnswer(AnswerWriter output, out ErrorCode code)
        {
            AnsweredBy = Thread.CurrentThread;
            ThriftCodec.Current.WriteReply(output, Method.NameUtf8, SequenceId, Answer(request));
            code = ErrorCode.OK;
            return true;
        }

        protected override void Begin()
        {
            held[text] = this;
            if (IsPooled)
            {
                ThreadPool.UnsafeQueueUserWorkItem(static call => call.MarkReady(), this, preferLocal: false);
            }
            else if (!IsHeld)
            {
                MarkReady();
            }
        }
    }
}
