using System.Diagnostics;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;
using Thrift;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>Finds the method of a call by the bytes of its name, and sees that every call gets an answer.</summary>
internal sealed class KvDispatcher : IRpcDispatcher
{
    private readonly KvBackend _backend;
    private readonly UnknownMethod _unknown = new();
    private readonly CallTracing _tracing;

    /// <summary>By the length of their names, which tells almost all of them apart.</summary>
    private readonly RpcMethod[][] _methodsByNameLength;
    private volatile bool _isDraining;

    public KvDispatcher(KvBackend backend)
    {
        _backend = backend;
        _tracing = new CallTracing(
            backend.Options.MaxRootTracesPerSecond, () => backend.View.SelfId, backend.Time);
        RpcMethod[] methods =
        [
            .. ReadMethods.All(backend),
            .. SnapshotMethods.All(backend),
            .. WriteMethods.All(backend),
            .. TransactionMethods.All(backend),
            .. SessionMethods.All(backend),
            .. ClientSideMethods.All(backend),
            .. AdminMethods.All(backend),
        ];
        _methodsByNameLength = new RpcMethod[methods.Max(method => method.Name.Length) + 1][];
        for (int length = 0; length < _methodsByNameLength.Length; length++)
        {
            _methodsByNameLength[length] = [.. methods.Where(method => method.Name.Length == length)];
        }
    }

    public IPendingCall? Dispatch(in RequestMessage message, AnswerWriter? direct)
    {
        if (Find(message.MethodName) is not { } method)
        {
            _backend.Statistics.Record(_unknown, ErrorCode.INVALID_ARGUMENT, message.ReceivedTimestamp);
            return _unknown.Dispatch(in message, direct);
        }

        return _tracing.Start(method, in message) is { } span
            ? DispatchTraced(method, in message, span)
            : Dispatch(method, in message, direct);
    }

    public IPendingCall? Refuse(in RequestMessage message, ErrorCode code, string reason, AnswerWriter? direct) =>
        Find(message.MethodName) is { } method
            ? _backend.Refuse(method, in message, direct, new Refusal(code, reason))
            : _unknown.Dispatch(in message, direct);

    public void RefuseNewCalls() => _isDraining = true;

    /// <summary>A traced call always waits in its connection's queue: that is where its span ends.</summary>
    private IPendingCall DispatchTraced(RpcMethod method, in RequestMessage message, Activity span)
    {
        Activity? before = Activity.Current;
        Activity.Current = span;
        IPendingCall call = Dispatch(method, in message, direct: null)!;
        Activity.Current = before;
        call.Span = span;
        return call;
    }

    private IPendingCall? Dispatch(RpcMethod method, in RequestMessage message, AnswerWriter? direct)
    {
        if (_isDraining && method.Kind != RpcMethodKind.Node)
        {
            return _backend.Refuse(method, in message, direct, Refusal.Of(ErrorCode.SHUTTING_DOWN, null));
        }

        if (_backend.Faults.TryInject(method, out Refusal fault, out int delayMs))
        {
            return _backend.Refuse(method, in message, direct, in fault, delayMs);
        }

        try
        {
            return method.Dispatch(in message, direct);
        }
        catch (ThriftContentException exception)
        {
            return _unknown.Dispatch(
                in message, direct, TApplicationException.ExceptionType.ProtocolError, exception.Message);
        }
        catch (Exception exception)
        {
            return _backend.Refuse(method, in message, direct, _backend.Failed(method, exception));
        }
    }

    private RpcMethod? Find(ReadOnlySpan<byte> name)
    {
        if (name.Length < _methodsByNameLength.Length)
        {
            foreach (RpcMethod method in _methodsByNameLength[name.Length])
            {
                if (name.SequenceEqual(method.NameUtf8))
                {
                    return method;
                }
            }
        }

        return null;
    }
}
