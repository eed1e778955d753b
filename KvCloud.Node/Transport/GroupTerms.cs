using System.Globalization;

namespace KvCloud.Node.Transport;

/// <summary>
/// What all replicas of a group must have in common because safety depends on it: exchanged in the handshake, which
/// refuses a peer whose terms differ.
/// </summary>
/// <param name="Voters">
/// The ids of the voters that the group began with, ascending and separated by commas; empty for a node that was added
/// later and does not know them. Not their addresses, which may change.
/// </param>
/// <param name="ElectionTimeoutMs">For this long after a heartbeat a replica votes for no other leader.</param>
/// <param name="LeaseMs">For this long after a heartbeat this replica may read on its own while it leads; 0 for
/// never.</param>
internal sealed record GroupTerms(string Voters, int ElectionTimeoutMs, int LeaseMs)
{
    /// <summary>Formats a set of voters as in <see cref="Voters"/>.</summary>
    public static string Describe(IEnumerable<int> voters) =>
        string.Join(',', voters.Order().Select(voter => voter.ToString(CultureInfo.InvariantCulture)));

    /// <summary>The ids of <see cref="Voters"/>.</summary>
    public static IReadOnlyList<int> Parse(string voters) =>
    [
        .. voters.Split(',', StringSplitOptions.RemoveEmptyEntries)
            .Select(id => int.Parse(id, CultureInfo.InvariantCulture)),
    ];

    /// <summary>
    /// Whether it is impossible that one of the two still reads on its own while the other lets another node lead. A
    /// lease is derived from its replica's own election timeout, less a margin for clock drift. So if either side takes
    /// leases the timeouts must be equal, and if both do the margins too.
    /// </summary>
    public bool IsLeaseSafeWith(GroupTerms other)
    {
        bool hasLease = LeaseMs > 0 || other.LeaseMs > 0;
        bool hasOtherMargin = LeaseMs > 0 && other.LeaseMs > 0 && LeaseMs != other.LeaseMs;
        return !hasLease || (ElectionTimeoutMs == other.ElectionTimeoutMs && !hasOtherMargin);
    }

    public string DescribeTimes() => string.Create(
        CultureInfo.InvariantCulture, $"election timeout {ElectionTimeoutMs} ms and lease {LeaseMs} ms");
}
