using System.Globalization;

namespace KvCloud.Node.Transport;

/// <summary>
/// What all replicas of a group must have in common, for their safety rests on it: told in the handshake, and refused
/// where it differs.
/// </summary>
/// <param name="Voters">
/// The ids of the voters that the group began with, rising, with commas between; empty of a node that was added later
/// and does not know them. Not their addresses, which may change.
/// </param>
/// <param name="ElectionTimeoutMs">For so long after a heartbeat a replica lets nobody else lead.</param>
/// <param name="LeaseMs">For so long after a heartbeat this replica reads alone when it leads; 0 for never.</param>
internal sealed record GroupTerms(string Voters, int ElectionTimeoutMs, int LeaseMs)
{
    /// <summary>A set of voters as <see cref="Voters"/> has it.</summary>
    public static string Describe(IEnumerable<int> voters) =>
        string.Join(',', voters.Order().Select(voter => voter.ToString(CultureInfo.InvariantCulture)));

    /// <summary>The ids of <see cref="Voters"/>.</summary>
    public static IReadOnlyList<int> Parse(string voters) =>
    [
        .. voters.Split(',', StringSplitOptions.RemoveEmptyEntries)
            .Select(id => int.Parse(id, CultureInfo.InvariantCulture)),
    ];

    /// <summary>
    /// Whether neither could still read alone when the other lets somebody lead. A lease is cut from its own replica's
    /// election timeout, less a margin for the drift of clocks; so where there is a lease the timeouts must be the
    /// same, and where there are two also the margins.
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
