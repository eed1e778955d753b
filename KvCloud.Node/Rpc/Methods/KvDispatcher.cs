using System.Diagnostics;
using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>
/// Finds the method of a call by the bytes of its name and makes sure that every call gets an answer.
/// </summary>
internal sealed class KvDispatcher : IRpcDispatcher
{
    private readonly KvBackend _backend;
    private readonly FaultInjector _faults;
    private readonly TimeProvider _time;
    private readonly UnknownMethod _unknown = new();
    private readonly CallTracing _tracing;

    /// <summary>Indexed by the length of the name, which distinguishes almost all methods.</summary>
    private readonly RpcMethod[][] _methodsByNameLength;

    public KvDispatcher(KvBackend backend, FaultInjector faults, TimeProvider time)
    {
        _backend = backend;
        _faults = faults;
        _time = time;
        var selfId = new Lazy<int>(() => backend.View.SelfId);
        _tracing = new CallTracing(backend.Options.MaxRootTracesPerSecond, () => selfId.Value, time);
        Methods =
        [
            .. ReadMethods.All(backend),
            .. SnapshotMethods.All(backend),
            .. WriteMethods.All(backend),
            .. TransactionMethods.All(backend),
            .. SessionMethods.All(backend),
            .. ClientSideMethods.All(backend),
            .. AdminMethods.All(backend, faults, time),
            .. BackupMethods.All(backend),
            .. AccessMethods.All(backend),
        ];
        Invariant.Check(
            Methods.Select(method => method.Operation).ToHashSet().SetEquals(OperationClassifier.All)
                && Methods.Count == OperationClassifier.All.Count,
            "every operation of the contract has exactly one method");
        _methodsByNameLength = new RpcMethod[Methods.Max(method => method.Name.Length) + 1][];
        for (int length = 0; length < _methodsByNameLength.Length; length++)
        {
            _methodsByNameLength[length] = [.. Methods.Where(method => method.Name.Length == length)];
        }
    }

    /// <summary>One per operation of the contract.</summary>
    public IReadOnlyList<RpcMethod> Methods { get; }

    public IPendingCall Dispatch(in RequestMessage message)
    {
        if (Find(message.MethodName) is not { } method)
        {
            return _unknown.Dispatch(in message);
        }

        return _tracing.Start(method, in message) is { } span
            ? DispatchTraced(method, in message, span)
            : Dispatch(method, in message);
    }

    public IPendingCall Refuse(in RequestMessage message, ErrorCode code, string reason) =>
        Find(message.MethodName) is { } method
            ? method.Refuse(in message, new Refusal(code, reason))
            : _unknown.Dispatch(in message);

    public void RefuseNewCalls() => _backend.IsDraining = true;

    private IPendingCall DispatchTraced(RpcMethod method, in RequestMessage message, Activity span)
    {
        Activity? before = Activity.Current;
        Activity.Current = span;
        IPendingCall call = Dispatch(method, in message);
        Activity.Current = before;
        call.Span = span;
        return call;
    }

    private IPendingCall Dispatch(RpcMethod method, in RequestMessage message)
    {
        IPendingCall call = DispatchUnchecked(method, in message);
        return call is RefusedCall { Refusal.Denial: { } denial } refused
            ? Deny(method, in message, refused, denial)
            : call;
    }

    /// <summary>Nothing of the call has run, so it can be looked at again as a whole.</summary>
    private IPendingCall Deny(RpcMethod method, in RequestMessage message, RefusedCall refused, Denial denial)
    {
        if (denial.IsByCatalog && !message.IsConfirmed)
        {
            try
            {
                long? timeoutMs = method.TimeoutOf(in message) is > 0 and long given ? given : null;
                return new RecheckedCall(
                    method, in message, denial, _backend, _backend.DeadlineAfter(timeoutMs), DispatchAgain);
            }
            catch (ThriftContentException exception)
            {
                return _unknown.RefuseArguments(in message, exception);
            }
        }

        _backend.Access.Note(refused.Refusal);
        return refused;
    }

    private IPendingCall DispatchAgain(RpcMethod method, RequestMessage message, Activity? span) =>
        span is null ? Dispatch(method, in message) : DispatchTraced(method, in message, span);

    private IPendingCall DispatchUnchecked(RpcMethod method, in RequestMessage message)
    {
        if (_backend.IsDraining && method.Operation.TouchesData)
        {
            return method.Refuse(in message, Refusal.Of(ErrorCode.SHUTTING_DOWN, null));
        }

        if (_backend.Access.Check(method, in message) is { } denied)
        {
            return method.Refuse(in message, in denied);
        }

        if (_faults.TryInject(method.Operation, out Refusal fault, out int delayMs))
        {
            return new FaultCall(method, in message, in fault, delayMs, _time);
        }

        try
        {
            return method.Dispatch(in message);
        }
        catch (ThriftContentException exception)
        {
            return _unknown.RefuseArguments(in message, exception);
        }
        catch (Exception exception)
        {
            return method.Refuse(in message, _backend.Failed(method, exception));
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
