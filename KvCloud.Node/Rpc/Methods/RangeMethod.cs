using KvCloud.Node.Access;
using KvCloud.Node.History;
using KvCloud.Node.Operations;
using KvCloud.Node.Routing;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Node.State;
using KvCloud.Protocol;
using Thrift.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>
/// A call that reads a range, of the present or at a version. It is answered immediately if that visits only a few
/// keys; otherwise it runs in the <see cref="ScanPool"/>.
/// </summary>
internal sealed class RangeMethod<TRequest, TResponse>(string name, KvBackend backend)
    : ReadMethod<TRequest, TResponse>(name, backend)
    where TRequest : class, TBase, IRangeRequest, new()
    where TResponse : class, TBase, IRangeAnswer, new()
{
    /// <summary>Costs about as much as the same number of point reads, which a client may pipeline anyway.</summary>
    private const int KeysAtOnce = 64;

    private const long BytesAtOnce = 64 * 1024;

    /// <summary>One time slice; takes a few milliseconds.</summary>
    private const int KeysPerTurn = 16 * 1024;

    /// <summary>Keys between two checks of the deadline and of the client's connection.</summary>
    private const int KeysPerCheck = 1024;

    private const long HeldChunkBytes = 256 * 1024;

    /// <summary>An offset behind the end may lead anywhere behind it.</summary>
    protected override Refusal? CheckAccess(TRequest request, Caller? caller) => Backend.Access.CheckRead(
        caller,
        request.ColumnFamily,
        request.BeginKey,
        request.EndOffset > 0 ? null : Ranges.End(request.EndKey, request.ToEndOfKeyspace),
        request.EndOrEqual);

    protected override IPendingCall CallFor(
        in RequestMessage message, TRequest request, ValueTask<ReadAdmission> admission, long deadlineMs) =>
        new RangeCall(this, in message, request, admission, deadlineMs);

    protected override TResponse NewAnswer() => new() { KeyValues = [] };

    /// <summary>False, with nothing written, if the read visits more than a few keys.</summary>
    private bool TryAnswerAtOnce(AnswerWriter output, int sequenceId, TRequest request, out ErrorCode code)
    {
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

    private RangeScan? Open(TRequest request, out RangeResult refused)
    {
        var query = new RangeQuery(
            request.BeginKey,
            request.BeginOrEqual,
            request.BeginOffset,
            Ranges.End(request.EndKey, request.ToEndOfKeyspace),
            request.EndOrEqual,
            request.EndOffset,
            request.Limit,
            Ranges.LimitBytes(request.GivenLimitBytes, Backend.Options.Limits));
        CommitVersion? at = request is ISnapshotRequest snapshot ? new CommitVersion(snapshot.ReadVersion) : null;
        return Backend.Reader.OpenRange(request.ColumnFamily, query, at, out refused);
    }

    private ErrorCode WriteResult(AnswerWriter output, int sequenceId, RangeResult result)
    {
        if (Refusal.TryOf(result, out Refusal refusal))
        {
            return WriteRefused(output, sequenceId, in refusal);
        }

        return Write(output, sequenceId, new TResponse
        {
            KeyValues = Ranges.Rows(result),
            Success = true,
            HasMore = result.HasMore,
            Version = result.ReadAt.Value,
        });
    }

    private sealed class RangeCall : RoutedCall, ICostlyCall
    {
        private readonly RangeMethod<TRequest, TResponse> _method;
        private readonly TRequest _request;
        private readonly Caller? _caller;
        private bool _isCostly;
        private RangeScan? _scan;
        private long _heldBytes;

        public RangeCall(
            RangeMethod<TRequest, TResponse> method,
            in RequestMessage message,
            TRequest request,
            ValueTask<ReadAdmission> admission,
            long deadlineMs)
            : base(method, method.Backend, in message)
        {
            _method = method;
            _request = request;
            _caller = message.Caller;
            DeadlineMs = deadlineMs;
            SetAdmission(admission);
        }

        public long DeadlineMs { get; }

        public override IEnumerable<CallKey> Keys => [new CallKey(_request.ColumnFamily, _request.BeginKey)];

        public override bool TryWriteAnswer(AnswerWriter output, out ErrorCode code)
        {
            code = default;
            if (_isCostly)
            {
                return false;
            }

            if (!IsAdmitted(out Refusal refusal))
            {
                code = _method.WriteRefused(output, SequenceId, in refusal);
                return true;
            }

            _isCostly = !_method.TryAnswerAtOnce(output, SequenceId, _request, out code);
            return !_isCostly;
        }

        public ScanProgress Advance(IScanSlice slice, AnswerWriter output, out ErrorCode code)
        {
            code = default;
            try
            {
                if (_scan is null && (_scan = _method.Open(_request, out RangeResult? refused)) is null)
                {
                    code = _method.WriteResult(output, SequenceId, refused);
                    return ScanProgress.Answered;
                }

                for (int keys = 0; keys < KeysPerTurn; keys += KeysPerCheck)
                {
                    if (slice.IsCancelled)
                    {
                        return ScanProgress.Cancelled;
                    }

                    if (FindRefusal(slice) is { } refusal)
                    {
                        Drop();
                        code = _method.WriteRefused(output, SequenceId, in refusal);
                        return ScanProgress.Answered;
                    }

                    if (_scan.Advance(KeysPerCheck, _heldBytes))
                    {
                        RangeResult result = Backend.Reader.ResultOf(_scan);
                        Drop();
                        code = _method.WriteResult(output, SequenceId, result);
                        return ScanProgress.Answered;
                    }
                }

                return ScanProgress.Unfinished;
            }
            catch (Exception exception)
            {
                Drop();
                code = _method.WriteRefused(output, SequenceId, Backend.Failed(_method, exception));
                return ScanProgress.Answered;
            }
        }

        public ErrorCode WriteOverloaded(AnswerWriter output, string fullLimit) =>
            _method.WriteRefused(output, SequenceId, new Refusal(ErrorCode.OVERLOADED, fullLimit));

        public void Drop()
        {
            _scan?.Dispose();
            _scan = null;
        }

        protected override Refusal? CheckAgain() => _method.CheckAccess(_request, _caller);

        /// <summary>Why the scan must stop, or null if it may continue.</summary>
        private Refusal? FindRefusal(IScanSlice slice)
        {
            if (Backend.Clock.NowMs > DeadlineMs)
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
