using System.Diagnostics;

namespace KvCloud.Bench.Micro;

/// <summary>Keeps the thread pool busy as 64 clients would: 64 calls of 50 µs, each followed by the next.</summary>
internal sealed class BusyPool : IDisposable
{
    private const int Calls = 64;

    private static readonly long CallTicks = Stopwatch.Frequency * 50 / 1_000_000;

    private volatile bool _isOver;

    public BusyPool()
    {
        for (int i = 0; i < Calls; i++)
        {
            ThreadPool.UnsafeQueueUserWorkItem(new Call(this), preferLocal: false);
        }
    }

    public void Dispose() => _isOver = true;

    private sealed class Call(BusyPool pool) : IThreadPoolWorkItem
    {
        public void Execute()
        {
            long end = Stopwatch.GetTimestamp() + CallTicks;
            while (Stopwatch.GetTimestamp() < end)
            {
                Thread.SpinWait(10);
            }

            if (!pool._isOver)
            {
                ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
            }
        }
    }
}
