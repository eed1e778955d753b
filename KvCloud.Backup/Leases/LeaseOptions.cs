namespace KvCloud.Backup.Leases;

/// <summary>How long leases last, and how long one waits for that of another.</summary>
internal sealed record LeaseOptions
{
    /// <summary>A lease whose holder was killed ends so long after it was renewed last.</summary>
    public TimeSpan Ttl { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// How long to ask again while another holds one: long enough for one that is left of a process that was killed.
    /// </summary>
    public TimeSpan WaitTimeout { get; init; } = TimeSpan.FromSeconds(90);

    public TimeSpan Pause { get; init; } = TimeSpan.FromSeconds(2);
}
