namespace KvCloud.Backup.Leases;

/// <summary>The content of a lease: its use, its holder, and its lifetime from the time it was written.</summary>
internal sealed record LeaseBody(LeaseUse Use, string Holder, long TtlMs)
{
    public bool ConflictsWith(LeaseUse other) => (Use, other) switch
    {
        (LeaseUse.Prune, LeaseUse.Ship) or (LeaseUse.Ship, LeaseUse.Prune) => false,
        (LeaseUse.Prune, _) or (_, LeaseUse.Prune) => true,
        (LeaseUse.Ship, LeaseUse.Ship) => true,
        _ => false,
    };
}
