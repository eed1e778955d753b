namespace KvCloud.Node.History;

/// <summary>How much an event matters.</summary>
internal static class EventSeverities
{
    public const string Info = "info";
    public const string Warning = "warning";
    public const string Error = "error";
}
