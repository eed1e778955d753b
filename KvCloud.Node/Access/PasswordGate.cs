namespace KvCloud.Node.Access;

/// <summary>
/// Lets few passwords be hashed at a time and few wait for it: hashing is made to be expensive, and whoever reaches the
/// port can ask for it.
/// </summary>
internal sealed class PasswordGate : IDisposable
{
    /// <summary>At a time: half of the cores, so that calls go on beside a storm of logins.</summary>
    public static readonly int MaxConcurrent = Math.Max(1, Environment.ProcessorCount / 2);

    /// <summary>Logins that wait; more are answered OVERLOADED.</summary>
    public const int MaxWaiting = 64;

    private readonly SemaphoreSlim _free = new(MaxConcurrent);
    private int _inside;

    /// <summary>Runs off the caller's thread; false where too many wait.</summary>
    public async ValueTask<(bool IsRun, T? Result)> TryRunAsync<T>(Func<T> hash)
    {
        if (Interlocked.Increment(ref _inside) > MaxWaiting + MaxConcurrent)
        {
            Interlocked.Decrement(ref _inside);
            return (false, default);
        }

        try
        {
            await _free.WaitAsync().ConfigureAwait(false);
            try
            {
                return (true, await Task.Run(hash).ConfigureAwait(false));
            }
            finally
            {
                _free.Release();
            }
        }
        finally
        {
            Interlocked.Decrement(ref _inside);
        }
    }

    public void Dispose() => _free.Dispose();
}
