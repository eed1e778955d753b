using KvCloud.Node.Operations;

namespace KvCloud.Node.Access;

/// <summary>
/// Waits for a read index before a login or a call is refused: whom this replica does not know, and what they may do,
/// the others may know. However many wait, one read index is in progress and one more is to come, which all that came
/// since share: the one in progress may have been confirmed before their user was made. So strangers who guess names,
/// and users who ask for what they may not, cost the leader a hundred read indexes a second at most; an address that
/// has to wait costs it none. Thread-safe.
/// </summary>
/// <param name="read">Begins a read index, and completes once this replica has applied up to there.</param>
internal sealed class SharedReadIndex(Func<ValueTask<ReadIndexOutcome>> read, TimeProvider time)
{
    /// <summary>From the end of one read index to the start of the next.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    private readonly Lock _gate = new();
    private TaskCompletionSource<ReadIndexOutcome>? _next;
    private bool _isRunning;

    /// <param name="limit">How long the caller waits at most.</param>
    public async Task<ReadIndexOutcome> WaitAsync(TimeSpan limit)
    {
        try
        {
            return await Join().WaitAsync(limit, time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return new ReadIndexOutcome(KvStatus.Timeout, "the leader did not confirm in time what has been chosen");
        }
    }

    private Task<ReadIndexOutcome> Join()
    {
        Task<ReadIndexOutcome> round;
        lock (_gate)
        {
            _next ??= new TaskCompletionSource<ReadIndexOutcome>(TaskCreationOptions.RunContinuationsAsynchronously);
            round = _next.Task;
            if (_isRunning)
            {
                return round;
            }

            _isRunning = true;
        }

        _ = RunAsync();
        return round;
    }

    /// <summary>Never throws: nobody waits for it.</summary>
    private async Task RunAsync()
    {
        while (true)
        {
            TaskCompletionSource<ReadIndexOutcome> round;
            lock (_gate)
            {
                if (_next is null)
                {
                    _isRunning = false;
                    return;
                }

                round = _next;
                _next = null;
            }

            ReadIndexOutcome outcome;
            try
            {
                outcome = await read().ConfigureAwait(false);
            }
            catch (Exception exception)
            {
                outcome = new ReadIndexOutcome(KvStatus.Internal, exception.Message);
            }

            round.SetResult(outcome);
            await Task.Delay(Pause, time).ConfigureAwait(false);
        }
    }
}
