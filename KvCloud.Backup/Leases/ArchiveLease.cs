using KvCloud.Backup.Format;
using KvCloud.Backup.Stores;

namespace KvCloud.Backup.Leases;

/// <summary>
/// A lease of the archive: protects what its holder uses from being removed, and excludes conflicting uses. A holder
/// writes its own lease first and looks for others afterwards, so of two that arrive at once at least one sees the
/// other.
/// </summary>
/// <remarks>
/// Whether another's lease has expired is judged by the modification times that the store gave both leases, so the
/// clocks of the holders need not agree. A holder that cannot renew its lease gives it up after three quarters of its
/// lifetime (<see cref="Lost"/>), before others may remove it.
/// </remarks>
internal sealed class ArchiveLease : IAsyncDisposable
{
    private readonly IArchiveStore _store;
    private readonly string _name;
    private readonly byte[] _content;
    private readonly LeaseOptions _options;
    private readonly CancellationTokenSource _lost = new();
    private readonly CancellationTokenSource _ended = new();
    private readonly Task _renewal;
    private long _writtenMs;

    private ArchiveLease(
        IArchiveStore store, string name, byte[] content, LeaseOptions options, long writtenMs, DateTimeOffset taken)
    {
        Taken = taken;
        _store = store;
        _name = name;
        _content = content;
        _options = options;
        _writtenMs = writtenMs;
        LoseUnlessRenewed();
        _renewal = RenewAsync();
    }

    /// <summary>Cancelled when the lease could not be renewed in time: what it protects may soon be removed.</summary>
    public CancellationToken Lost => _lost.Token;

    /// <summary>Takes a lease; waits while another holds a conflicting one.</summary>
    /// <exception cref="LeaseConflictException">A conflicting lease did not end within the wait timeout.</exception>
    public static async Task<ArchiveLease> TakeAsync(
        IArchiveStore store,
        LeaseUse use,
        LeaseOptions options,
        Action<string> tell,
        CancellationToken cancellationToken)
    {
        long deadline = Environment.TickCount64 + (long)options.WaitTimeout.TotalMilliseconds;
        bool isTold = false;
        while (true)
        {
            try
            {
                return await TakeOnceAsync(store, use, options, cancellationToken);
            }
            catch (LeaseConflictException exception) when (Environment.TickCount64 < deadline)
            {
                if (!isTold)
                {
                    tell($"{exception.Message}; waiting for it to end");
                    isTold = true;
                }
            }

            // Jitter: two that have refused each other must not retry at the same moment.
            await Task.Delay(options.Pause * (0.5 + Random.Shared.NextDouble()), cancellationToken);
        }
    }

    /// <summary>Takes a lease without waiting.</summary>
    /// <exception cref="LeaseConflictException">Another holds a conflicting lease; the message names it.</exception>
    public static async Task<ArchiveLease> TakeOnceAsync(
        IArchiveStore store, LeaseUse use, LeaseOptions options, CancellationToken cancellationToken)
    {
        var body = new LeaseBody(use, $"{Environment.MachineName}, process {Environment.ProcessId}",
            (long)options.Ttl.TotalMilliseconds);
        byte[] content = ChecksummedJson.Write(body, out _);
        string name = $"{ArchiveLayout.Leases}{use.ToString().ToLowerInvariant()}-{Guid.NewGuid():n}.json";
        long writtenMs = Environment.TickCount64;
        await store.WriteAsync(name, content, cancellationToken);
        try
        {
            DateTimeOffset taken = await CheckConflictsAsync(store, use, name, cancellationToken);
            return new ArchiveLease(store, name, content, options, writtenMs, taken);
        }
        catch
        {
            await store.DeleteAsync([name], CancellationToken.None);
            throw;
        }
    }

    /// <summary>When the lease was taken, by the clock of the store.</summary>
    public DateTimeOffset Taken { get; }

    public bool IsLost => _lost.IsCancellationRequested || IsOverdue;

    /// <summary>
    /// True also at once after this process was suspended for too long, when no timer has fired yet.
    /// </summary>
    private bool IsOverdue =>
        Environment.TickCount64 - Volatile.Read(ref _writtenMs) > RelianceMs;

    /// <summary>How long after it was written the holder relies on the lease: three quarters of its lifetime.</summary>
    private double RelianceMs => _options.Ttl.TotalMilliseconds * 3 / 4;

    /// <exception cref="ArchiveUnavailableException">The lease could not be renewed in time.</exception>
    public void ThrowIfLost()
    {
        if (IsLost)
        {
            throw new ArchiveUnavailableException(
                $"{_store.Address} could not be reached in time to renew {_name}: objects that the lease protected may"
                + " have been removed");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _renewal;
        try
        {
            await _store.DeleteAsync([_name], CancellationToken.None);
        }
        catch (Exception exception) when (exception is ArchiveException or IOException)
        {
            // It expires.
        }

        _ended.Dispose();
        _lost.Dispose();
    }

    /// <returns>The current time by the clock of the store.</returns>
    private static async Task<DateTimeOffset> CheckConflictsAsync(
        IArchiveStore store, LeaseUse use, string own, CancellationToken cancellationToken)
    {
        List<StoredObject> leases = await store.ListAllAsync(ArchiveLayout.Leases, cancellationToken);
        DateTimeOffset now = leases.Find(lease => lease.Name == own)?.Modified
            ?? throw new ArchiveException(
                $"{store.Address} does not list {own}, which was just written: its listings are not consistent, or"
                + " another volume is mounted there now");
        foreach (StoredObject lease in leases.Where(lease => lease.Name != own))
        {
            byte[]? content = await store.TryReadAsync(lease.Name, ArchiveLayout.MaxJsonBytes, cancellationToken);
            if (content is null)
            {
                continue;
            }

            LeaseBody body = ChecksummedJson.Read<LeaseBody>(content, lease.Name);
            if (lease.Modified.AddMilliseconds(body.TtlMs) < now)
            {
                // It has expired: its holder was killed, or could not renew it and has stopped.
                await store.DeleteAsync([lease.Name], cancellationToken);
            }
            else if (body.ConflictsWith(use))
            {
                throw new LeaseConflictException(
                    $"{store.Address} is in use: {lease.Name} of {body.Holder}"
                    + $" ({body.Use.ToString().ToLowerInvariant()})");
            }
        }

        return now;
    }

    /// <summary>Arms the timer of <see cref="Lost"/> anew, from the time of the last write.</summary>
    private void LoseUnlessRenewed()
    {
        double leftMs = Volatile.Read(ref _writtenMs) + RelianceMs - Environment.TickCount64;
        _lost.CancelAfter(TimeSpan.FromMilliseconds(Math.Max(0, leftMs)));
    }

    private async Task RenewAsync()
    {
        try
        {
            while (!IsLost)
            {
                await Task.Delay(_options.Ttl / 4, _ended.Token);
                await TryRenewAsync();
            }

            await _lost.CancelAsync();
        }
        catch (OperationCanceledException)
        {
            // The lease was released.
        }
    }

    /// <summary>One attempt to renew the lease. It ends at the latest when the lease is lost.</summary>
    private async Task TryRenewAsync()
    {
        long startedMs = Environment.TickCount64;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_ended.Token, _lost.Token);
        limit.CancelAfter(_options.Ttl / 4);
        try
        {
            await _store.WriteAsync(_name, _content, limit.Token);
            Volatile.Write(ref _writtenMs, startedMs);
            LoseUnlessRenewed();
        }
        catch (Exception exception) when (exception is ArchiveException or IOException or OperationCanceledException)
        {
            // Retried until the lease is lost.
            _ended.Token.ThrowIfCancellationRequested();
        }
    }
}
