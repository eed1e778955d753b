using System.Collections.Concurrent;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Replacement;

/// <summary>
/// Which peers refuse this replica for its data directory: because they know another one of it, or because its id was
/// removed. A peer that does not answer, or refuses for another reason, says nothing.
/// </summary>
/// <remarks>Any thread may call.</remarks>
internal sealed class DirectoryRefusals
{
    private readonly ConcurrentDictionary<int, PeerRefusal> _refusals = new();

    /// <summary>Whether there is reason to ask the group: something stands against this replica.</summary>
    public bool Any => !_refusals.IsEmpty;

    /// <summary>Whether a peer says that the id of this replica was removed.</summary>
    public bool SayRemoved => _refusals.Values.Contains(PeerRefusal.Removed);

    public void Note(int peer, PeerRefusal refusal) => _refusals[peer] = refusal;

    /// <summary>
    /// How many of these voters refuse this replica. The one whose place it has cannot, and counts as one that does
    /// not.
    /// </summary>
    public int CountOf(IEnumerable<int> voters) => voters.Count(
        id => _refusals.GetValueOrDefault(id) is PeerRefusal.DirectoryLost or PeerRefusal.Removed);
}
