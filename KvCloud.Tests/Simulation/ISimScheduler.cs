using KvCloud.Consensus;

namespace KvCloud.Tests.Simulation;

/// <summary>Simulated time and chance: all that a simulated part needs of the world around it.</summary>
internal interface ISimScheduler
{
    long NowUs { get; }

    DeterministicRandom Random { get; }

    /// <summary>Runs the action then; what is due at one moment runs in the order in which it was handed in.</summary>
    void After(long delayUs, Action action);
}
