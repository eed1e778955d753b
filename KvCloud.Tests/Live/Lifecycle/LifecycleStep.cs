namespace KvCloud.Tests.Live.Lifecycle;

/// <summary>One step of a life, and what callers noticed of it.</summary>
/// <param name="What">Which replicas it was about, and what became of them.</param>
internal sealed record LifecycleStep(string Name, string What, TimeSpan Took, CallFigures Writes, CallFigures Reads);
