using System.Diagnostics;

namespace KvCloud.Node.Telemetry;

/// <summary>
/// The node's activity source. A span starts on one thread and ends on another, so its parent is always passed
/// explicitly, and it never stays behind as <see cref="Activity.Current"/>.
/// </summary>
internal static class NodeTracing
{
    public const string SourceName = "KvCloud.Node";

    public static readonly ActivitySource Source = new(SourceName, NodeVersion.Text);

    /// <summary>Whether any listener wants spans. If not, this check is the only cost of tracing.</summary>
    public static bool IsOn => Source.HasListeners();

    /// <summary>
    /// Starts a span with the given parent, or a root span if the parent is default; null if it is not sampled.
    /// </summary>
    /// <param name="startTime">Defaults to now.</param>
    public static Activity? Start(
        string name,
        ActivityKind kind,
        ActivityContext parent,
        IEnumerable<ActivityLink>? links = null,
        DateTimeOffset startTime = default)
    {
        // The current activity would become the parent of a root span, and would be restored when the span ends.
        Activity? before = Activity.Current;
        Activity.Current = null;
        Activity? span = Source.StartActivity(name, kind, parent, tags: null, links, startTime);
        if (span is { IsAllDataRequested: false })
        {
            span.Stop();
            span = null;
        }

        Activity.Current = before;
        return span;
    }

    /// <summary>
    /// Starts a child of the current span in the same flow of control, if the current span belongs to the node.
    /// </summary>
    public static Activity? StartBelowCurrent(string name) =>
        IsOn && Activity.Current is { } parent && parent.Source == Source
            ? Source.StartActivity(name, ActivityKind.Internal)
            : null;

    /// <summary>Ends a span. Any thread, once.</summary>
    /// <param name="error">Name of the error that the operation ended with; null on success.</param>
    public static void End(Activity span, string? error)
    {
        if (error is not null)
        {
            span.SetTag(SpanNames.Attributes.ErrorType, error);
            span.SetStatus(ActivityStatusCode.Error, error);
        }

        End(span);
    }

    public static void End(Activity span)
    {
        Activity? before = Activity.Current;
        span.Stop();
        Activity.Current = before;
    }

    /// <summary>Records a span that has already ended, with its start and end time.</summary>
    public static void Record(
        string name,
        ActivityContext parent,
        DateTime started,
        DateTime ended,
        ReadOnlySpan<(string Name, object Value)> attributes)
    {
        if (Start(name, ActivityKind.Internal, parent, startTime: started) is not { } span)
        {
            return;
        }

        foreach ((string attribute, object value) in attributes)
        {
            span.SetTag(attribute, value);
        }

        span.SetEndTime(ended);
        End(span);
    }
}
