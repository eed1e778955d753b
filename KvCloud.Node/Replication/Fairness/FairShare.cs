namespace KvCloud.Node.Replication.Fairness;

/// <summary>
/// How much of a limit that all callers share one of them may hold: some times what is free, so that there is always
/// room for another. One caller alone gets four fifths, two get four ninths each, and nobody has to say in advance how
/// many there will be. Switches share their buffers like this (Choudhury and Hahne, "Dynamic Queue Length Thresholds
/// for Shared-Memory Packet Switches", 1998).
/// </summary>
internal static class FairShare
{
    private const int TimesWhatIsFree = 4;

    /// <summary>Whether somebody who holds <paramref name="held"/> already must not get more.</summary>
    /// <param name="held">What the caller holds, without what it asks for: a single call is never too much.</param>
    /// <param name="used">What all callers hold.</param>
    /// <remarks>Divides, since a limit may be as large as there are numbers.</remarks>
    public static bool IsUsedUp(long held, long used, long limit) =>
        limit - used < (held + TimesWhatIsFree - 1) / TimesWhatIsFree;

    /// <summary>For the error message.</summary>
    public static string Describe(string flow, long held, string what) =>
        $"{flow} holds {held} {what}, all that its share of this node allows at the moment";
}
