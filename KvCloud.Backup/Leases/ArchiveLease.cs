using KvCloud.Backup.Format;
using KvCloud.Backup.Stores;

namespace KvCloud.Backup.Leases;

/// <summary>
/// Says in the archive that somebody uses it, so that nobody removes what he needs. Each writes his own lease first and
/// looks for others then: of two that come at once, at least one sees the other.
/// </summary>
/// <remarks>
/// Whether a lease has ended is judged by the times that the store gave both leases, so the clocks of those who use an
/// archive need not agree. One who cannot renew his lease in time hears of it (<see cref="Lost"/>) before it ends.
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
        _renewal = RenewAsync();
    }

    /// <summary>Cancelled when the lease could not be renewed: what it protected may be removed now.</summary>
    public CancellationToken Lost => _lost.Token;

    /// <summary>Takes a lease; waits for one that another holds.</summary>
    /// <exception cref="LeaseConflictException">Another still holds one that forbids it.</exception>
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
                    tell($"{exception.Message}; waits");
                    isTold = true;
                }
            }

            // Two who have seen each other must not meet again.
            await Task.Delay(options.Pause * (0.5 + Random.Shared.NextDouble()), cancellationToken);
        }
    }

    /// <summary>Takes a lease, or says at once who is in the way.</summary>
    /// <exception cref="LeaseConflictException">Another holds one that forbids it.</exception>
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
            DateTimeOffset taken = await ThrowIfInTheWayAsync(store, use, name, cancellationToken);
            return new ArchiveLease(store, name, content, options, writtenMs, taken);
        }
        catch
        {
            await store.DeleteAsync([name], CancellationToken.None);
            throw;
        }
    }

    /// <summary>When, by the clock of the store.</summary>
    public DateTimeOffset Taken { get; }

    public bool IsLost => _lost.IsCancellationRequested || IsOverdue;

    /// <summary>Also where this process was stopped for longer than the lease lasts, and has just come back.</summary>
    private bool IsOverdue =>
        Environment.TickCount64 - Volatile.Read(ref _writtenMs) > _options.Ttl.TotalMilliseconds * 3 / 4;

    /// <exception cref="ArchiveUnavailableException">The lease ended, though it is still needed.</exception>
    public void ThrowIfLost()
    {
        if (IsLost)
        {
            throw new ArchiveUnavailableException(
                $"{_store.Address} could not be reached for so long that {_name} has ended: what it protected may"
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
            // It ends by itself.
        }

        _ended.Dispose();
        _lost.Dispose();
    }

    /// <returns>What time it is, by the clock of the store.</returns>
    private static async Task<DateTimeOffset> ThrowIfInTheWayAsync(
        IArchiveStore store, LeaseUse use, string own, CancellationToken cancellationToken)
    {
        List<StoredObject> leases = await store.ListAllAsync(ArchiveLayout.Leases, cancellationToken);
        DateTimeOffset now = leases.Find(lease => lease.Name == own)?.Modified
            ?? throw new ArchiveException($"{store.Address} does not show {own}, which was just written");
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
                // Its holder was killed, or could not renew it and has stopped.
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

    private async Task RenewAsync()
    {
        try
        {
            while (!IsOverdue)
            {
                await Task.Delay(_options.Ttl / 4, _ended.Token);
                await TryRenewAsync();
            }

            await _lost.CancelAsync();
        }
        catch (OperationCanceledException)
        {
            // Given back.
        }
    }

    /// <summary>One attempt, which must not hang longer than the lease may still be relied on.</summary>
    private async Task TryRenewAsync()
    {
        long startedMs = Environment.TickCount64;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_ended.Token);
        limit.CancelAfter(_options.Ttl / 4);
        try
        {
            await _store.WriteAsync(_name, _content, limit.Token);
            Volatile.Write(ref _writtenMs, startedMs);
        }
        catch (Exception exception) when (exception is ArchiveException or IOException or OperationCanceledException)
        {
            // Tried again until it is too late.
            _ended.Token.ThrowIfCancellationRequested();
        }
    }
}
