namespace KvCloud.WebConsole.Monitoring;

public enum EventSeverity
{
    Info = 0,
    Warning = 1,
    Error = 2,
}

/// <summary>Something that changed in the cluster, as the console saw it.</summary>
/// <param name="At">When the console noticed; up to a polling interval after it happened.</param>
public sealed record ClusterEvent(DateTimeOffset At, EventSeverity Severity, string Text);
