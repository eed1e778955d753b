namespace KvCloud.Node.Configuration;

internal sealed record TracingOptions
{
    [About("Traces per second that this node starts for calls without a trace context; "
        + "0 means none. A call with a trace context joins its caller's trace and does not count.")]
    [Between(0, 1_000_000)]
    public int MaxRootTracesPerSecond { get; init; } = 10;
}
