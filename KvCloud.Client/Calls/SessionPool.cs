using KvCloud.Client.Wire;
using KvCloud.Protocol;

namespace KvCloud.Client.Calls;

/// <summary>
/// The sessions of this client. Usually one is enough. When a slow write holds up its window, or more writes are in
/// flight than a window holds, the next one is used or opened. Thread-safe.
/// </summary>
internal sealed class SessionPool(CallEngine engine, TimeProvider time) : IDisposable
{
    public const int MaxSessions = 64;

    private const int FullPauseMs = 5;

    private readonly SemaphoreSlim _opening = new(1, 1);
    private WriteSession[] _sessions = [];
    private int _current;
    private bool _isUnsupported;

    /// <summary>False if a session must be opened first, or all are full.</summary>
    public bool TryTake(out WriteIdentity identity)
    {
        identity = default;
        WriteSession[] sessions = Volatile.Read(ref _sessions);
        int first = Volatile.Read(ref _current);
        for (int i = 0; i < sessions.Length; i++)
        {
            int index = (first + i) % sessions.Length;
            if (sessions[index].TryTake(out identity))
            {
                if (i > 0)
                {
                    // Stay with this session until it is full, so that the windows of the others can advance.
                    Volatile.Write(ref _current, index);
                }

                return true;
            }
        }

        return Volatile.Read(ref _isUnsupported);
    }

    /// <summary>
    /// Waits for a session with room. Returns the default identity if the server does not support sessions.
    /// </summary>
    public async ValueTask<WriteIdentity> TakeAsync(long deadlineTickMs, CancellationToken cancellationToken)
    {
        while (true)
        {
            int leftMs = (int)Math.Min(int.MaxValue, deadlineTickMs - time.TickMs());
            if (leftMs <= 0)
            {
                throw new KvCloudException(
                    ErrorCode.OVERLOADED,
                    $"{MaxSessions} sessions of {WriteSession.WindowSize} writes are all in flight");
            }

            await _opening.WaitAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                if (TryTake(out WriteIdentity identity))
                {
                    return identity;
                }

                WriteSession[] alive = [.. _sessions.Where(session => !session.IsExpired)];
                Volatile.Write(ref _sessions, alive);
                if (alive.Length < MaxSessions)
                {
                    await OpenAsync(alive, leftMs, cancellationToken).ConfigureAwait(false);
                    continue;
                }
            }
            finally
            {
                _opening.Release();
            }

            await Task.Delay(TimeSpan.FromMilliseconds(FullPauseMs), time, cancellationToken).ConfigureAwait(false);
        }
    }

    public void Dispose() => _opening.Dispose();

    private async ValueTask OpenAsync(WriteSession[] alive, int timeoutMs, CancellationToken cancellationToken)
    {
        try
        {
            // If the answer is lost, an unused session remains; the cluster forgets it by age.
            Reply reply = await engine
                .CallAsync(default(OpenSessionCall), CallTarget.Leader, timeoutMs, false, cancellationToken)
                .ConfigureAwait(false);
            Volatile.Write(ref _sessions, [.. alive, new WriteSession(reply.Number)]);
        }
        catch (KvCloudException exception) when (exception.ErrorCode == ErrorCode.NOT_SUPPORTED)
        {
            // An older server: writes carry no identity, and the caller is told about an unknown outcome.
            Volatile.Write(ref _isUnsupported, true);
        }
    }
}
