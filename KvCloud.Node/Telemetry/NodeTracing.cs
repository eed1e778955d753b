using System.Diagnostics;

namespace KvCloud.Node.Telemetry;

/// <summary>
/// The node's activity source. A span here begins on one thread and ends on another, so its parent is always named
/// and it is never left behind as <see cref="Activity.Current"/>.
/// </summary>
internal static class NodeTracing
{
    public const string SourceName = "KvCloud.Node";

    public static readonly ActivitySource Source = new(SourceName, NodeVersion.Text);

    /// <summary>Whether anybody wants spans. Without, this test is all that tracing costs.</summary>
    public static bool IsOn => Source.HasListeners();

    /// <summary>Begins a span below a parent, or a root where that is default; null where it is not sampled.</summary>
    /// <param name="startTime">Default: now.</param>
    public static Activity? Start(
        string name,
        ActivityKind kind,
        ActivityContext parent,
        IEnumerable<ActivityLink>? links = null,
        DateTimeOffset startTime = default)
    {
        // The current activity would become the parent of a root, and come back when the span ends.
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

    /// <summary>Begins a span of this very flow of control below the current one, if that is the node's own.</summary>
    public static Activity? StartBelowCurrent(string name) =>
        IsOn && Activity.Current is { } parent && parent.Source == Source
            ? Source.StartActivity(name, ActivityKind.Internal)
            : null;

    /// <summary>Ends a span. Any thread; once.</summary>
    /// <param name="error">Name of the error that the operation ended with; null where it succeeded.</param>
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

    /// <summary>Writes down a span that has been, between two moments.</summary>
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
