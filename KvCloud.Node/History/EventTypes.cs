namespace KvCloud.Node.History;

/// <summary>The types of events; programs know them by these names.</summary>
internal static class EventTypes
{
    public const string Started = "started";
    public const string LeaderElected = "leader_elected";
    public const string LeaderLost = "leader_lost";
    public const string HealthChanged = "health_changed";
    public const string MemberAdded = "member_added";
    public const string MemberPromoted = "member_promoted";
    public const string MemberDemoted = "member_demoted";
    public const string MemberRemoved = "member_removed";
    public const string FeatureLevelRaised = "feature_level_raised";
    public const string Snapshot = "snapshot";
    public const string DataDamaged = "data_damaged";
    public const string StateDiverged = "state_diverged";
    public const string StoredRowsDiverged = "stored_rows_diverged";
}
