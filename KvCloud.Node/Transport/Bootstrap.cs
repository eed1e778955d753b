using System.Globalization;

namespace KvCloud.Node.Transport;

/// <summary>
/// Decides whether this replica may take part in consensus. It may once it is formed: once every other voter has
/// welcomed it, and so durably remembers its incarnation. Every replica that votes is then known to all others, so one
/// that has lost its data directory is recognised by whichever peer it contacts.
/// </summary>
/// <remarks>Any thread may call.</remarks>
/// <param name="others">The ids of the other voters; without any, the replica is formed.</param>
/// <param name="isFormed">Whether that was recorded before.</param>
/// <param name="noteFormed">Records it durably and permanently before it returns; throws <see cref="IOException"/> if
/// it cannot.</param>
internal sealed class Bootstrap(IEnumerable<int> others, bool isFormed, Action noteFormed)
{
    private readonly Lock _lock = new();
    private volatile int[] _notMet = isFormed ? [] : [.. others.Order()];

    /// <summary>
    /// For a replica that takes part at once: its group was formed before, or its transport has no handshake.
    /// </summary>
    public static Bootstrap Done { get; } = new([], isFormed: true, () => { });

    public bool IsFormed => _notMet.Length == 0;

    /// <summary>The voters whose welcome is missing, ascending; empty once it is formed.</summary>
    public IReadOnlyList<int> NotMet => _notMet;

    /// <summary>Why a replica that is not formed does not take part.</summary>
    public static string Describe(IReadOnlyList<int> notMet)
    {
        string ids = string.Join(", ", notMet.Select(id => id.ToString(CultureInfo.InvariantCulture)));
        return $"it waits for first contact with node{(notMet.Count == 1 ? "" : "s")} {ids}:"
            + " a new group begins when all its replicas have met once";
    }

    /// <summary>
    /// The voter has welcomed this replica and remembers it from now on. Throws <see cref="IOException"/> if this was
    /// the last welcome and the fact cannot be recorded; the welcome then does not count.
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
