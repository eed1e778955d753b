using KvCloud.Node.Access;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication.Backup;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;
using Thrift.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>
/// A call that reads for a backup: it waits until the rate of snapshots lets it, and until there is something to read
/// where it is to wait for that; then it is read in the <see cref="ScanPool"/>.
/// </summary>
internal abstract class BackupMethod<TRequest, TResponse>(string name, KvBackend backend)
    : AnsweringMethod<TResponse>(name, OperationKind.Read, backend)
    where TRequest : class, TBase, IAdminRequest, new()
    where TResponse : class, TBase, new()
{
    /// <summary>Calls of this method that wait at a time.</summary>
    private const int MaxWaiting = 64;

    /// <summary>How long a call waits before it looks again.</summary>
    private const int LookMs = 10;

    private int _waiting;

    public sealed override bool TakesToken => true;

    public sealed override IPendingCall Dispatch(in RequestMessage message)
    {
        TRequest request = ThriftCodec.Current.ReadRequest<TRequest>(in message);
        if ((Backend.CheckToken(Operation, in message, request, out Principal principal) ?? FindMistake(request))
            is { } refused)
        {
            return Refuse(in message, in refused);
        }

        if (Backend.Backups is not { } reads)
        {
            return Refuse(
                in message, new Refusal(ErrorCode.NOT_SUPPORTED, "This node has no snapshots to offer"));
        }

        Note(principal, message.Caller, request);
        return new Call(this, in message, request, reads);
    }

    /// <summary>For the audit trail.</summary>
    protected virtual void Note(Principal principal, Caller? caller, TRequest request)
    {
    }

    protected abstract Refusal? FindMistake(TRequest request);

    /// <summary>How many bytes the answer takes at most, about.</summary>
    protected abstract int MaxBytesOf(TRequest request);

    /// <summary>How many bytes of the rate it takes beforehand.</summary>
    protected virtual int RateBytesOf(TRequest request) => 1;

    /// <summary>How long to wait for something to read.</summary>
    protected virtual int WaitMsOf(TRequest request) => 0;

    /// <summary>Whether waiting would change nothing.</summary>
    protected virtual bool HasAnswer(BackupReads reads, TRequest request) => true;

    protected abstract TResponse Answer(BackupReads reads, TRequest request);

    private sealed class Call(
        BackupMethod<TRequest, TResponse> method, in RequestMessage message, TRequest request, BackupReads reads)
        : PendingCall(method, in message), ICostlyCall
    {
        private Refusal? _refusal;

        public bool IsAdministrative => true;

        protected override bool CanAnswerNow => false;

        public override bool TryWriteAnswer(AnswerWriter output, out ErrorCode code)
        {
            code = _refusal is { } refusal ? method.WriteRefused(output, SequenceId, in refusal) : default;
            return _refusal is not null;
        }

        public ScanProgress Advance(IScanSlice slice, AnswerWriter output, out ErrorCode code)
        {
            code = default;
            if (slice.IsCancelled)
            {
                return ScanProgress.Cancelled;
            }

            if (!slice.TryHold(method.MaxBytesOf(request), out string? fullLimit))
            {
                code = WriteOverloaded(output, fullLimit!);
                return ScanProgress.Answered;
            }

            try
            {
                code = method.Write(output, SequenceId, method.Answer(reads, request));
            }
            catch (Exception exception)
            {
                code = method.WriteRefused(output, SequenceId, method.Backend.Failed(method, exception));
            }

            return ScanProgress.Answered;
        }

        public ErrorCode WriteOverloaded(AnswerWriter output, string fullLimit) =>
            method.WriteRefused(output, SequenceId, new Refusal(ErrorCode.OVERLOADED, fullLimit));

        public void Drop()
        {
            // Nothing is held.
        }

        protected override void Begin() => _ = WaitAsync();

        private async Task WaitAsync()
        {
            try
            {
                _refusal = Interlocked.Increment(ref method._waiting) > MaxWaiting
                    ? new Refusal(ErrorCode.OVERLOADED, $"{MaxWaiting} calls of {method.Name} wait already")
                    : await WaitForTurnAsync().ConfigureAwait(false);
            }
            finally
            {
                Interlocked.Decrement(ref method._waiting);
                MarkReady();
            }
        }

        /// <summary>Why the call must not be answered as asked; null if it may.</summary>
        private async Task<Refusal?> WaitForTurnAsync()
        {
            long nowMs = method.Backend.Clock.NowMs;
            long untilMs = nowMs + method.WaitMsOf(request);
            while (!method.HasAnswer(reads, request) && method.Backend.Clock.NowMs < untilMs
                && !method.Backend.IsDraining)
            {
                await Task.Delay(LookMs).ConfigureAwait(false);
            }

            long deadlineMs = method.Backend.DeadlineAfter(null);
            while (!reads.TryTake(method.RateBytesOf(request)))
            {
                if (method.Backend.Clock.NowMs > deadlineMs)
                {
                    return new Refusal(
                        ErrorCode.OVERLOADED, "snapshots take all of [snapshots] max_bytes_per_second");
                }

                await Task.Delay(LookMs).ConfigureAwait(false);
            }

            return null;
        }
    }
}
