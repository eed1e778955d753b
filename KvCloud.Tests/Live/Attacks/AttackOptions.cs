namespace KvCloud.Tests.Live.Attacks;

/// <summary>What is tried, and how long.</summary>
internal sealed record AttackOptions
{
    public IReadOnlyList<Attack> Attacks { get; init; } = AttackList.All;

    /// <summary>Of each attack, and of the stretch without one before it.</summary>
    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(6);

    public Action<string> Tell { get; init; } = _ => { };
}
