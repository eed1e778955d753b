using System.Diagnostics;
using System.Net;
using KvCloud.Bench.Load;

namespace KvCloud.Bench.Wire;

/// <summary>Everything a loop needs to run.</summary>
internal sealed record WireLoopPlan(
    int Loop,
    LoadOptions Options,
    Func<string, WireProtocol> NewProtocol,
    EndpointChooser Endpoints,
    OperationSource Source,
    LatencyRecorder Recorder,
    RunClock Clock);

/// <summary>
/// Drives its share of the connections on one thread: waits for all sockets at once, parses input, and sends a
/// connection's next calls in one write. Both servers are driven by the same loop; only the <see cref="WireProtocol"/>
/// differs.
/// </summary>
internal sealed class WireLoop : IDisposable
{
    private const long LongestWaitNanoseconds = 20_000_000;

    private static readonly long RetryTicks = Stopwatch.Frequency / 20;
    private static readonly long DrainTicks = 2 * Stopwatch.Frequency;

    private readonly WireLoopPlan _plan;
    private readonly Epoll _epoll = new();
    private readonly WireConnection[] _connections;
    private readonly List<WireAnswer> _answers = [];
    private readonly OpenLoopSchedule? _schedule;
    private readonly long _endTicks;
    private readonly long _calls;
    private int _nextConnection;
    private int _closed;
    private int _inFlight;
    private long _sent;
    private long _completed;

    public WireLoop(WireLoopPlan plan)
    {
        _plan = plan;
        LoadOptions options = plan.Options;
        int[] mine = Enumerable.Range(0, options.Connections).Where(i => i % options.Loops == plan.Loop).ToArray();
        _connections = [.. mine.Select((_, i) => new WireConnection(i, options.InFlight, plan.NewProtocol))];
        _closed = _connections.Length;
        _endTicks = plan.Clock.EndTicks;
        _calls = options.Calls == 0 ? long.MaxValue : options.Calls;
        _schedule = options.RatePerSecond > 0
            ? new OpenLoopSchedule(plan.Clock.StartTicks, options.RatePerSecond, plan.Loop, options.Loops)
            : null;
    }

    /// <summary>Calls answered so far; other threads may read this.</summary>
    public long Completed => Volatile.Read(ref _completed);

    /// <summary>
    /// Runs until the end of the run's clock; an open loop then waits briefly for outstanding answers.
    /// </summary>
    public void Run(CancellationToken cancellation)
    {
        OpenClosed(Stopwatch.GetTimestamp());
        while (!cancellation.IsCancellationRequested)
        {
            long now = Stopwatch.GetTimestamp();
            if ((now >= _endTicks && (_schedule is null || !NeedsDraining(now))) || (_sent >= _calls && _inFlight == 0))
            {
                break;
            }

            if (_closed > 0)
            {
                OpenClosed(now);
            }

            if (_schedule is not null)
            {
                SendDue(now);
            }

            Poll();
        }

        RecordUnfinished();
    }

    public void Dispose()
    {
        foreach (WireConnection connection in _connections)
        {
            connection.Dispose();
        }

        _epoll.Dispose();
    }

    private bool NeedsDraining(long now) =>
        now < _endTicks + DrainTicks && (_inFlight > 0 || _schedule!.NextTicks < _endTicks);

    private void Poll()
    {
        int count = _epoll.Wait(WaitNanoseconds());
        for (int i = 0; i < count; i++)
        {
            (int id, uint events) = _epoll.Event(i);
            WireConnection connection = _connections[id];
            if (!connection.IsOpen)
            {
                continue;
            }

            // Errors and hang-ups have other bits; reading reveals which it was.
            if (events == Epoll.Writable ? !connection.Flush(_epoll) : !Receive(connection))
            {
                Lose(connection, "the connection was closed");
            }
        }
    }

    private long WaitNanoseconds()
    {
        if (_schedule is null || _schedule.NextTicks >= _endTicks)
        {
            return LongestWaitNanoseconds;
        }

        double wait = (_schedule.NextTicks - Stopwatch.GetTimestamp()) * 1_000_000_000.0 / Stopwatch.Frequency;

        // Calls that are due but have no free slot wait for an answer, not for the clock.
        return wait <= 0 && !AnyRoom() ? LongestWaitNanoseconds : (long)Math.Clamp(wait, 0, LongestWaitNanoseconds);
    }

    private bool AnyRoom() => Array.Exists(_connections, connection => connection.HasRoom);

    private bool Receive(WireConnection connection)
    {
        _answers.Clear();
        try
        {
            if (!connection.Receive(_answers))
            {
                return false;
            }

            long now = Stopwatch.GetTimestamp();
            foreach (WireAnswer answer in _answers)
            {
                if (!Complete(connection, answer, now))
                {
                    return false;
                }
            }

            if (_schedule is not null)
            {
                SendDue(now);
            }
        }
        catch (WireException failure)
        {
            Lose(connection, failure.Message);
            return true;
        }

        return connection.Flush(_epoll);
    }

    /// <summary>False if the connection cannot be used any more.</summary>
    private bool Complete(WireConnection connection, in WireAnswer answer, long now)
    {
        ref Operation operation = ref connection.OperationOf(answer.Token);
        CallStatus status = answer.Status;
        bool reads = operation.Kind is OperationKind.GetLocal or OperationKind.GetLeader or OperationKind.GetReadIndex
            || (operation.Kind == OperationKind.ReadModifyWrite && operation.Step == 0);
        if (status == CallStatus.NotFound && !reads)
        {
            status = CallStatus.Refused;
        }

        if (operation.Kind == OperationKind.ReadModifyWrite && operation.Step == 0 && CallStatuses.IsSuccess(status))
        {
            operation.Step = 1;
            WriteCall(connection, operation, answer.Token);
            return true;
        }

        _plan.Recorder.Record(operation.Kind, operation.IntendedTicks, now, status, answer.Error);
        connection.Release(answer.Token);
        _inFlight--;
        _completed++;
        if (status == CallStatus.NotLeader && _plan.Endpoints.FollowsLeader)
        {
            return false;
        }

        if (_schedule is null && now < _endTicks && _sent < _calls)
        {
            Send(connection, now);
        }

        return true;
    }

    private void SendDue(long now)
    {
        while (_schedule!.NextTicks < _endTicks
            && NextWithRoom() is { } connection && _schedule.TryTake(now, out long intended))
        {
            Send(connection, intended);
            if (!connection.Flush(_epoll))
            {
                Lose(connection, "the connection was closed");
            }
        }
    }

    private WireConnection? NextWithRoom()
    {
        for (int i = 0; i < _connections.Length; i++)
        {
            WireConnection connection = _connections[_nextConnection];
            _nextConnection = (_nextConnection + 1) % _connections.Length;
            if (connection.HasRoom)
            {
                return connection;
            }
        }

        return null;
    }

    private void Send(WireConnection connection, long intendedTicks)
    {
        Operation operation = _plan.Source.Next(intendedTicks);
        int token = connection.Take(operation);
        _inFlight++;
        _sent++;
        WriteCall(connection, operation, token);
    }

    private void WriteCall(WireConnection connection, in Operation operation, int token)
    {
        CallKind kind = KindOf(operation);
        connection.Write(
            new WireCall
            {
                Kind = kind,
                Keys = _plan.Source.Keys(operation),
                KeySizeBytes = _plan.Options.KeySizeBytes,
                EndKey = kind == CallKind.Range ? _plan.Source.EndKey(operation) : [],
                Value = kind is CallKind.Set or CallKind.Commit ? _plan.Source.Value().Span : [],
                Limit = _plan.Options.RangeLimit,
            },
            token);
    }

    internal static CallKind KindOf(in Operation operation) => operation.Kind switch
    {
        OperationKind.GetLocal => CallKind.GetLocal,
        OperationKind.GetLeader => CallKind.GetLeader,
        OperationKind.GetReadIndex => CallKind.GetReadIndex,
        OperationKind.Range => CallKind.Range,
        OperationKind.Commit => CallKind.Commit,
        OperationKind.ReadModifyWrite when operation.Step == 0 => CallKind.GetLeader,
        _ => CallKind.Set,
    };

    private void OpenClosed(long now)
    {
        foreach (WireConnection connection in _connections)
        {
            if (connection.IsOpen || now < connection.RetryAtTicks)
            {
                continue;
            }

            int number = (connection.Id * _plan.Options.Loops) + _plan.Loop;
            try
            {
                connection.Connect(_plan.Endpoints.Of(number), SourceOf(number), _epoll);
            }
            catch (System.Net.Sockets.SocketException)
            {
                // Connections are refused while a server is down: look the leader up again and retry a little later.
                _plan.Endpoints.InvalidateLeader();
                connection.RetryAtTicks = now + RetryTicks;
                continue;
            }

            _closed--;
            while (_schedule is null && connection.HasRoom && _sent < _calls)
            {
                Send(connection, Stopwatch.GetTimestamp());
            }

            if (!connection.Flush(_epoll))
            {
                Lose(connection, "the connection was closed");
            }
        }
    }

    private IPAddress? SourceOf(int number) =>
        _plan.Options.SourceAddresses is { Count: > 0 } sources ? sources[number % sources.Count] : null;

    private void Lose(WireConnection connection, string error)
    {
        if (!connection.IsOpen)
        {
            return;
        }

        long now = Stopwatch.GetTimestamp();
        foreach (Operation operation in connection.Close())
        {
            _inFlight--;
            _plan.Recorder.Record(operation.Kind, operation.IntendedTicks, now, CallStatus.ConnectionLost, error);
        }

        _closed++;
        connection.RetryAtTicks = now + RetryTicks;
        _plan.Endpoints.InvalidateLeader();
    }

    private void RecordUnfinished()
    {
        if (_schedule is null)
        {
            return;
        }

        long now = Stopwatch.GetTimestamp();
        foreach (Operation operation in _connections.SelectMany(connection => connection.Close()))
        {
            _plan.Recorder.RecordUnfinished(operation.Kind, operation.IntendedTicks, now);
        }

        OperationKind kind = _plan.Options.Mix.Kinds[0];
        while (_schedule.NextTicks < _endTicks && _schedule.TryTake(_endTicks, out long intended))
        {
            _plan.Recorder.RecordUnfinished(kind, intended, now);
        }
    }
}
