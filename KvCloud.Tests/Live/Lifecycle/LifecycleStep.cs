namespace KvCloud.Tests.Live.Lifecycle;

/// <summary>One step of a <see cref="LifecycleRun"/>, and what callers noticed of it.</summary>
/// <param name="What">The replicas concerned, and the outcome.</param>
internal sealed record LifecycleStep(string Name, string What, TimeSpan Took, CallFigures Writes, CallFigures Reads);
