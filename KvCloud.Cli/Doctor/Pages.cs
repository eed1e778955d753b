namespace KvCloud.Cli.Doctor;

/// <summary>Pages of the documentation that findings name; a test looks for each, and for its heading.</summary>
internal static class Pages
{
    public const string Health = "docs/observability.md#health-of-a-replica";
    public const string Http = "docs/observability.md#http";
    public const string Members = "docs/deployment.md#members";
    public const string Settings = "docs/configuration.md";
    public const string Backup = "docs/backup.md#running-it-as-a-service";
    public const string QuorumLost = "docs/runbooks/KvCloudQuorumLost.md";
    public const string NoLeader = "docs/runbooks/KvCloudNoLeader.md";
    public const string ReplicaDown = "docs/runbooks/KvCloudReplicaDown.md";
    public const string Peers = "docs/runbooks/KvCloudPeerDisconnected.md";
    public const string Behind = "docs/runbooks/KvCloudReplicaBehind.md";
    public const string Differ = "docs/runbooks/KvCloudStatesDiffer.md";
    public const string Damage = "docs/runbooks/KvCloudDataDamaged.md";
    public const string ScrubLate = "docs/runbooks/KvCloudScrubLate.md";
    public const string Upgrade = "docs/runbooks/KvCloudUpgradeUnfinished.md";
    public const string SpaceLow = "docs/runbooks/KvCloudDiskSpaceLow.md";
    public const string SpaceExhausted = "docs/runbooks/KvCloudDiskSpaceExhausted.md";
    public const string Stalls = "docs/runbooks/KvCloudDiskStalls.md";
    public const string Certificate = "docs/runbooks/KvCloudCertificateEndsSoon.md";
    public const string Authority = "docs/runbooks/KvCloudCaEnds.md";

    public static IReadOnlyList<string> All { get; } =
    [
        Health, Http, Members, Settings, Backup, QuorumLost, NoLeader, ReplicaDown, Peers, Behind, Differ, Damage,
        ScrubLate, Upgrade, SpaceLow, SpaceExhausted, Stalls, Certificate, Authority,
    ];
}
