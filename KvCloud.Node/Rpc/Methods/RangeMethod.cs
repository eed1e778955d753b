using System.Diagnostics;
using KvCloud.Node.Operations;
using KvCloud.Node.Routing;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Node.State;
using KvCloud.Protocol;
using Thrift.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>
/// A call that reads a range: admitted as <see cref="ReadMethod{TRequest,TResponse}"/> is, and answered at once where
/// that takes a look at a few keys; what takes more runs in the <see cref="ScanPool"/>.
/// </summary>
internal abstract class RangeMethod<TRequest, TResponse>(string name, KvBackend backend) : RpcMethod(name)
    where TRequest : class, TBase, new()
    where TResponse : TBase
{
    /// <summary>About what as many point reads cost, which anybody may pipeline.</summary>
    private const int KeysAtOnce = 64;

    private const long BytesAtOnce = 64 * 1024;

    /// <summary>Some milliseconds.</summary>
    private const int KeysPerTurn = 16 * 1024;

    /// <summary>Between two looks at the clock and at whether the client is still there.</summary>
    private const int KeysPerCheck = 1024;

    private const long HeldChunkBytes = 256 * 1024;

    protected KvBackend Backend { get; } = backend;

    public sealed override IPendingCall? Dispatch(in RequestMessage message, AnswerWriter? direct)
    {
        TRequest request = ThriftCodec.Current.ReadRequest<TRequest>(in message);
        if (Validate(request) is { } invalid)
        {
            return Backend.Refuse(this, in message, direct, invalid);
        }

        if (!Backend.TryGetDeadline(TimeoutMsOf(request), out long deadlineMs, out Refusal refusal))
        {
            return Backend.Refuse(this, in message, direct, refusal);
        }

        ValueTask<ReadAdmission> admission = AdmitAsync(request, deadlineMs);
        if (!admission.IsCompletedSuccessfully || direct is null)
        {
            return new RangeCall(this, in message, request, admission.AsTask(), deadlineMs, isCostly: false);
        }

        ReadAdmission admitted = admission.GetAwaiter().GetResult();
        if (!TryAnswerAtOnce(direct, message.SequenceId, request, in admitted, out ErrorCode code))
        {
            return new RangeCall(this, in message, request, Task.FromResult(admitted), deadlineMs, isCostly: true);
        }

        Backend.Statistics.Record(this, code, message.ReceivedTimestamp);
        return null;
    }

    public sealed override void WriteRefusal(AnswerWriter output, int sequenceId, in Refusal refusal) =>
        ThriftCodec.Current.WriteReply(output, NameUtf8, sequenceId, Refuse(in refusal));

    protected abstract int? TimeoutMsOf(TRequest request);

    /// <summary>What is wrong with the request; null when nothing is.</summary>
    protected abstract Refusal? Validate(TRequest request);

    protected abstract ValueTask<ReadAdmission> AdmitAsync(TRequest request, long deadlineMs);

    protected abstract string? ColumnFamilyOf(TRequest request);

    protected abstract RangeQuery QueryOf(TRequest request);

    /// <summary>The version to read at; null for the newest.</summary>
    protected abstract CommitVersion? VersionOf(TRequest request);

    protected abstract TResponse Answer(RangeResult result);

    protected abstract TResponse Refuse(in Refusal refusal);

    /// <summary>False, with nothing written, where it takes more than a few keys.</summary>
    private bool TryAnswerAtOnce(
        AnswerWriter output, int sequenceId, TRequest request, in ReadAdmission admission, out ErrorCode code)
    {
        if (admission.Code != KvStatus.Ok)
        {
            code = WriteRefused(output, sequenceId, Refusal.Of(in admission));
            return true;
        }

        try
        {
            using RangeScan? scan = Open(request, out RangeResult? refused);
            if (scan is not null && !scan.Advance(KeysAtOnce, BytesAtOnce))
            {
                code = default;
                return false;
            }

            code = WriteResult(output, sequenceId, scan is null ? refused : Backend.Reader.ResultOf(scan));
        }
        catch (Exception exception)
        {
            code = WriteRefused(output, sequenceId, Backend.Failed(this, exception));
        }

        return true;
    }

    private RangeScan? Open(TRequest request, out RangeResult refused) =>
        Backend.Reader.OpenRange(ColumnFamilyOf(request), QueryOf(request), VersionOf(request), out refused);

    private ErrorCode WriteResult(AnswerWriter output, int sequenceId, RangeResult result)
    {
        if (result.Code != KvStatus.Ok)
        {
            return WriteRefused(output, sequenceId, Refusal.Of(result.Code, result.Message));
        }

        ThriftCodec.Current.WriteReply(output, NameUtf8, sequenceId, Answer(result));
        return ErrorCode.OK;
    }

    private ErrorCode WriteRefused(AnswerWriter output, int sequenceId, in Refusal refusal)
    {
        WriteRefusal(output, sequenceId, in refusal);
        return refusal.Code;
    }

    private sealed class RangeCall(
        RangeMethod<TRequest, TResponse> method,
        in RequestMessage message,
        TRequest request,
        Task<ReadAdmission> admission,
        long deadlineMs,
        bool isCostly) : ICostlyCall
    {
        private readonly int _sequenceId = message.SequenceId;
        private CallTicket _ticket;
        private bool _isCostly = isCostly;
        private RangeScan? _scan;
        private long _heldBytes;

        public RpcMethod Method => method;

        public long ReceivedTimestamp { get; } = message.ReceivedTimestamp;

        public int ChargedBytes { get; set; }

        public Activity? Span { get; set; }

        public bool IsReady => _ticket.IsReady;

        public void Start(CallQueue queue, long index)
        {
            _ticket.Take(queue, index);
            Admissions.OnCompleted(admission, MarkReady);
        }

        public bool TryWriteAnswer(AnswerWriter output, out ErrorCode code)
        {
            code = default;
            if (_isCostly)
            {
                return false;
            }

            ReadAdmission admitted = Admissions.ResultOf(method, method.Backend, admission);
            _isCostly = !method.TryAnswerAtOnce(output, _sequenceId, request, in admitted, out code);
            return !_isCostly;
        }

        public ScanProgress Advance(IScanSlice slice, AnswerWriter output, out ErrorCode code)
        {
            code = default;
            try
            {
                if (_scan is null && (_scan = method.Open(request, out RangeResult? refused)) is null)
                {
                    code = method.WriteResult(output, _sequenceId, refused);
                    return ScanProgress.Answered;
                }

                for (int keys = 0; keys < KeysPerTurn; keys += KeysPerCheck)
                {
                    if (slice.IsUnwanted)
                    {
                        return ScanProgress.Unwanted;
                    }

                    if (FindRefusal(slice) is { } refusal)
                    {
                        Drop();
                        code = method.WriteRefused(output, _sequenceId, in refusal);
                        return ScanProgress.Answered;
                    }

                    if (_scan.Advance(KeysPerCheck, _heldBytes))
                    {
                        RangeResult result = method.Backend.Reader.ResultOf(_scan);
                        Drop();
                        code = method.WriteResult(output, _sequenceId, result);
                        return ScanProgress.Answered;
                    }
                }

                return ScanProgress.Unfinished;
            }
            catch (Exception exception)
            {
                Drop();
                code = method.WriteRefused(output, _sequenceId, method.Backend.Failed(method, exception));
                return ScanProgress.Answered;
            }
        }

        public ErrorCode WriteOverloaded(AnswerWriter output, string fullLimit) =>
            method.WriteRefused(output, _sequenceId, new Refusal(ErrorCode.OVERLOADED, fullLimit));

        public void Drop()
        {
            _scan?.Dispose();
            _scan = null;
        }

        private void MarkReady() => _ticket.MarkReady();

        /// <summary>Why the scan goes on no further; null when it does.</summary>
        private Refusal? FindRefusal(IScanSlice slice)
        {
            if (Environment.TickCount64 > deadlineMs)
            {
                return new Refusal(
                    ErrorCode.TIMEOUT,
                    $"the range had visited {_scan!.Visited} keys when its deadline passed, the wait for its turn"
                        + " included");
            }

            while (_heldBytes <= _scan!.SizeBytes)
            {
                if (!slice.TryHold(HeldChunkBytes, out string? fullLimit))
                {
                    return new Refusal(ErrorCode.OVERLOADED, fullLimit!);
                }

                _heldBytes += HeldChunkBytes;
            }

            return null;
        }
    }
}
