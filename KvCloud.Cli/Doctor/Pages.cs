namespace KvCloud.Cli.Doctor;

/// <summary>Pages of the documentation that findings name; a test looks for each, and for its heading.</summary>
internal static class Pages
{
    public const string Health = "docs/observability.md#health-of-a-replica";
    public const string Differ = "docs/observability.md#alarm-states-that-differ";
    public const string Members = "docs/deployment.md#members";
    public const string Damage = "docs/deployment.md#damaged-data";
    public const string LostQuorum = "docs/deployment.md#a-lost-quorum";
    public const string Upgrades = "docs/deployment.md#upgrades";
    public const string Renewal = "docs/security.md#renewal";
    public const string Space = "docs/architecture.md#disks-that-are-full-or-slow";
    public const string Backup = "docs/backup.md#running-it-as-a-service";
    public const string Settings = "docs/configuration.md";
    public const string Http = "docs/observability.md#http";

    public static IReadOnlyList<string> All { get; } =
    [
        Health, Differ, Members, Damage, LostQuorum, Upgrades, Renewal, Space, Backup, Settings, Http,
    ];
}
