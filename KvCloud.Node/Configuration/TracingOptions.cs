namespace KvCloud.Node.Configuration;

internal sealed record TracingOptions
{
    [About("Traces a second that clients' calls may begin in this node when they bring no trace context of their own; "
        + "0 for none. Calls that bring one belong to their caller's trace, and are not counted.")]
    [Between(0, 1_000_000)]
    public int MaxRootTracesPerSecond { get; init; } = 10;
}
