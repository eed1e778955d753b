namespace KvCloud.WebConsole.Monitoring;

/// <summary>Something that changed in the cluster.</summary>
/// <param name="At">By the clock of who saw it first.</param>
/// <param name="SeenBy">The nodes that tell it, or the console.</param>
public sealed record ClusterEvent(
    DateTimeOffset At, EventSeverity Severity, string Text, IReadOnlyList<string> SeenBy);
