namespace KvCloud.Backup.Leases;

/// <summary>The lifetime of leases, and how long to wait for another's.</summary>
internal sealed record LeaseOptions
{
    /// <summary>Lifetime: a lease that is not renewed expires after this time.</summary>
    public TimeSpan Ttl { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// How long to retry while another holds a conflicting lease: longer than the lifetime, so that a lease of a killed
    /// process expires first.
    /// </summary>
    public TimeSpan WaitTimeout { get; init; } = TimeSpan.FromSeconds(90);

    public TimeSpan Pause { get; init; } = TimeSpan.FromSeconds(2);
}
