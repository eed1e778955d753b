using System.Globalization;

namespace KvCloud.Node.Transport;

/// <summary>
/// The refusals that their receiver acts on. A refusal travels as text, so these words are part of the protocol:
/// replicas of other releases say and recognise the same.
/// </summary>
internal static class RefusalTexts
{
    private const string LostDirectoryText = ": it has lost its data directory, and with it its promises";
    private const int HexDigits = 16;

    public static string Removed(int nodeId) => $"node {nodeId} was removed from this group: its id never returns";

    /// <param name="caller">The caller, with an incarnation other than the one that the peer remembers.</param>
    public static string DirectoryLost(PeerIdentity caller, int peer) =>
        $"{Introduce(caller)}, node {peer} remembers another{LostDirectoryText}";

    /// <param name="recorded">The incarnation in the members' record.</param>
    public static string VoterDirectoryLost(PeerIdentity caller, long recorded) =>
        $"{Introduce(caller)}, and was given its vote with {recorded:X16}{LostDirectoryText}";

    /// <param name="called">The node that was called.</param>
    /// <param name="answers">The one that answers.</param>
    public static string OtherNode(int caller, int called, int answers) =>
        OtherNode(caller, called) + answers.ToString(CultureInfo.InvariantCulture);

    /// <param name="peer">The node that refuses, which its words may have to name.</param>
    public static PeerRefusal MeaningOf(string reason, PeerIdentity self, int peer)
    {
        return reason == Removed(self.NodeId) ? PeerRefusal.Removed
            : reason == DirectoryLost(self, peer)
                || (RecordedIn(reason) is long recorded && reason == VoterDirectoryLost(self, recorded))
                    ? PeerRefusal.DirectoryLost
            : reason.StartsWith(OtherNode(self.NodeId, peer), StringComparison.Ordinal) ? PeerRefusal.OtherNode
            : PeerRefusal.Other;
    }

    private static string OtherNode(int caller, int called) =>
        $"the caller, node {caller}, looks for node {called}; this is node ";

    private static string Introduce(PeerIdentity caller) =>
        $"node {caller.NodeId} comes with incarnation {caller.Incarnation:X16}";

    /// <summary>The incarnation that the text ends with, before the common words; null if there is none.</summary>
    private static long? RecordedIn(string reason)
    {
        int end = reason.Length - LostDirectoryText.Length;
        return end >= HexDigits && long.TryParse(
            reason.AsSpan(end - HexDigits, HexDigits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture,
            out long recorded)
                ? recorded
                : null;
    }
}
