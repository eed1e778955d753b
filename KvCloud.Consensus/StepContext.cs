namespace KvCloud.Consensus;

/// <summary>The time of the current step, and its effects so far.</summary>
internal sealed class StepContext
{
    /// <summary>Ticks since the start of this node.</summary>
    public long Now { get; set; }

    public Effects Effects { get; private set; } = new();

    public Effects End()
    {
        Effects effects = Effects;
        Effects = new Effects();
        return effects;
    }
}
