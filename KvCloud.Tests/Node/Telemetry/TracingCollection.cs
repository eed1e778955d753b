namespace KvCloud.Tests.Node.Telemetry;

/// <summary>A listener hears every span of the process: tests that need one, or none, run beside no others.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class TracingCollection
{
    public const string Name = "Tracing";
}
