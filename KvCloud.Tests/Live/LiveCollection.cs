namespace KvCloud.Tests.Live;

/// <summary>
/// Tests with real processes run one after the other, and not beside the simulator, which takes every core.
/// </summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class LiveCollection
{
    public const string Name = "Live";
}
