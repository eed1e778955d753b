using System.Runtime.CompilerServices;

namespace KvCloud.Node.Rpc.Flows;

/// <summary>
/// How many of a caller's connections work at the same time. While others call too it is fewer than there are cores,
/// and each works for a short turn and then waits behind the other connections of its caller, so that on the thread
/// pool nobody waits for more than a few turns of somebody else. Thread-safe.
/// </summary>
/// <param name="maxRunning">Connections that may have a turn at the same time, asked whenever one begins.</param>
internal sealed class FlowTurns(Func<int> maxRunning)
{
    private readonly Lock _gate = new();
    private readonly Queue<IThreadPoolWorkItem> _waiting = new();
    private int _running;

    /// <summary>Whether the calling thread has a turn now; <see cref="Leave"/> follows.</summary>
    public bool TryEnter()
    {
        lock (_gate)
        {
            if (_running >= maxRunning())
            {
                return false;
            }

            _running++;
            return true;
        }
    }

    /// <summary>
    /// Waits for a turn, and goes on behind everything that waits on the thread pool. <see cref="Leave"/> follows.
    /// </summary>
    public Turn NextAsync() => new(this);

    /// <summary>
    /// Has the thread pool run the item when it has a turn. It calls <see cref="Leave"/> when it is done.
    /// </summary>
    public void Run(IThreadPoolWorkItem item)
    {
        lock (_gate)
        {
            if (_running >= maxRunning())
            {
                _waiting.Enqueue(item);
                return;
            }

            _running++;
        }

        Start(item);
    }

    /// <summary>Ends a turn; the next one that waits has it.</summary>
    public void Leave()
    {
        IThreadPoolWorkItem? next;
        lock (_gate)
        {
            if (!_waiting.TryDequeue(out next))
            {
                _running--;
                return;
            }
        }

        Start(next);
    }

    /// <summary>Not onto the queue of this thread, which would be served before everybody else's.</summary>
    private static void Start(IThreadPoolWorkItem item) =>
        ThreadPool.UnsafeQueueUserWorkItem(item, preferLocal: false);

    internal readonly struct Turn(FlowTurns turns) : ICriticalNotifyCompletion
    {
        public bool IsCompleted => false;

        public Turn GetAwaiter() => this;

        public void GetResult()
        {
            // It has come.
        }

        public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

        public void UnsafeOnCompleted(Action continuation) => turns.Run(new Continuation(continuation));
    }

    private sealed class Continuation(Action continuation) : IThreadPoolWorkItem
    {
        public void Execute() => continuation();
    }
}
