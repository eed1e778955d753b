using KvCloud.Node.History;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Flows;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>A write in flight; the same object travels from the connection to the state machine and back.</summary>
internal sealed class WriteCall : PendingWrite, IPendingCall
{
    private readonly WriteMethod _method;
    private readonly int _sequenceId;
    private readonly bool _isTransaction;
    private CallTicket _ticket;
    private RpcFlow? _charged;
    private CommandResult _result;

    public WriteCall(WriteMethod method, in RequestMessage message)
    {
        _method = method;
        _sequenceId = message.SequenceId;
        _isTransaction = method.Operation.IsTransaction;
        ReceivedTimestamp = message.ReceivedTimestamp;
    }

    public RpcMethod Method => _method;

    public long ReceivedTimestamp { get; }

    public int ChargedBytes { get; set; }

    /// <summary>Hears of the outcome, before the answer leaves.</summary>
    public Action<CommandResult>? Done { get; init; }

    public IEnumerable<CallKey> Keys => CommandCodec.TryDecode(Command, out KvCommand? command, out _)
        ? command switch
        {
            SetCommand set => [new CallKey(set.ColumnFamily, set.Key)],
            DeleteCommand delete => [new CallKey(delete.ColumnFamily, delete.Key)],
            CommitCommand commit =>
                commit.Mutations.Select(mutation => new CallKey(mutation.ColumnFamily, mutation.Key)),
            _ => [],
        }
        : [];

    RpcFlow? IPendingCall.Charged
    {
        get => _charged;
        set
        {
            _charged = value;
            Flow = value?.Writes;
        }
    }

    public bool IsReady => _ticket.IsReady;

    public void Start(CallQueue queue, long index)
    {
        _ticket.Take(queue, index);
        Connection = queue;
        if (_isTransaction)
        {
            _method.Backend.Statistics.BeginTransaction();
        }

        try
        {
            _method.Backend.Routing.Write(this);
        }
        catch (Exception exception)
        {
            Refusal refusal = _method.Backend.Failed(_method, exception);

            // The command may have been proposed before the failure.
            Finish(new CommandResult(KvStatus.OutcomeUnknown, Message: refusal.Message));
        }
    }

    /// <summary>Always false: the outcome is known only after consensus.</summary>
    public bool TryAnswerNow(AnswerWriter output, out ErrorCode code)
    {
        code = default;
        return false;
    }

    public bool TryWriteAnswer(AnswerWriter output, out ErrorCode code)
    {
        bool isRefused = Refusal.TryOf(in _result, out Refusal refusal);
        if (isRefused)
        {
            _method.WriteRefusal(output, _sequenceId, in refusal);
        }
        else
        {
            _method.WriteSuccess(output, _sequenceId, in _result);
        }

        code = isRefused ? refusal.Code : ErrorCode.OK;
        return true;
    }

    public override void Announce() => _ticket.Announce(IsAlone);

    protected override void Complete(in CommandResult result)
    {
        _result = result;
        Done?.Invoke(result);
        if (_isTransaction)
        {
            _method.Backend.Statistics.EndTransaction();
        }

        _ticket.MarkReadyQuietly();
    }
}
