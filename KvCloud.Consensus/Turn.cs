namespace KvCloud.Consensus;

/// <summary>The time of a node's turn, and what the turn brings about.</summary>
internal sealed class Turn
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
