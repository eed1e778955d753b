using System.Globalization;

namespace KvCloud.Node.Transport;

/// <summary>
/// Whether this replica may take part in consensus. It may once it is formed: once every other voter has welcomed it,
/// and so remembers its incarnation durably. A replica that votes has then been met by all, and one that lost its data
/// directory is known for that to whoever it asks.
/// </summary>
/// <remarks>Any thread may call.</remarks>
/// <param name="others">The ids of the other voters; without any a replica is formed.</param>
/// <param name="isFormed">Whether it was noted before.</param>
/// <param name="noteFormed">
/// Notes it durably, for good, before it returns; throws <see cref="IOException"/> if it cannot.
/// </param>
internal sealed class Bootstrap(IEnumerable<int> others, bool isFormed, Action noteFormed)
{
    private readonly Lock _lock = new();
    private volatile int[] _notMet = isFormed ? [] : [.. others.Order()];

    /// <summary>
    /// Of a replica that takes part at once: its group was formed, or its transport has no handshake.
    /// </summary>
    public static Bootstrap Done { get; } = new([], isFormed: true, () => { });

    public bool IsFormed => _notMet.Length == 0;

    /// <summary>The voters whose welcome is missing, rising; empty once it is formed.</summary>
    public IReadOnlyList<int> NotMet => _notMet;

    /// <summary>Why a replica that is not formed takes no part.</summary>
    public static string Describe(IReadOnlyList<int> notMet)
    {
        string ids = string.Join(", ", notMet.Select(id => id.ToString(CultureInfo.InvariantCulture)));
        return $"it waits for first contact with node{(notMet.Count == 1 ? "" : "s")} {ids}:"
            + " a new group begins when all its replicas have met once";
    }

    /// <summary>
    /// The voter has welcomed this replica, and remembers it from now on. Throws <see cref="IOException"/> when that
    /// was the last one and the fact cannot be noted: then it does not count.
    /// </summary>
    public void WelcomedBy(int nodeId)
    {
        if (IsFormed)
        {
            return;
        }

        lock (_lock)
        {
            int[] remaining = [.. _notMet.Where(id => id != nodeId)];
            if (remaining.Length == 0 && _notMet.Length > 0)
            {
                noteFormed();
            }

            _notMet = remaining;
        }
    }
}
