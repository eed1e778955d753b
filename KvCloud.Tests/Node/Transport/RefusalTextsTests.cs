using KvCloud.Node.Transport;

namespace KvCloud.Tests.Node.Transport;

/// <summary>Refusals that are acted on, in the very words that earlier releases say them in.</summary>
public sealed class RefusalTextsTests
{
    [Theory]
    [InlineData(
        "node 1 comes with incarnation 00000000000000AB, node 2 remembers another: it has lost its data directory, and"
        + " with it its promises",
        PeerRefusal.DirectoryLost)]
    [InlineData(
        "node 1 comes with incarnation 00000000000000AB, and was given its vote with FEDCBA9876543210: it has lost its"
        + " data directory, and with it its promises",
        PeerRefusal.DirectoryLost)]
    [InlineData("node 1 was removed from this group: its id never returns", PeerRefusal.Removed)]
    [InlineData("the caller, node 1, looks for node 2; this is node 5", PeerRefusal.OtherNode)]

    // Of another incarnation, node or peer, and what only sounds like it.
    [InlineData(
        "node 1 comes with incarnation 00000000000000AC, node 2 remembers another: it has lost its data directory, and"
        + " with it its promises",
        PeerRefusal.Other)]
    [InlineData(
        "node 1 comes with incarnation 00000000000000AB, node 3 remembers another: it has lost its data directory, and"
        + " with it its promises",
        PeerRefusal.Other)]
    [InlineData(
        "node 1 comes with incarnation 00000000000000AB, and was given its vote with x: it has lost its data"
        + " directory, and with it its promises",
        PeerRefusal.Other)]
    [InlineData(": it has lost its data directory, and with it its promises", PeerRefusal.Other)]
    [InlineData("node 3 was removed from this group: its id never returns", PeerRefusal.Other)]
    [InlineData("the caller, node 1, looks for node 3; this is node 5", PeerRefusal.Other)]
    [InlineData("node 2 does not know node 1: it is no member of its group", PeerRefusal.Other)]
    [InlineData("", PeerRefusal.Other)]
    public void MeaningOf_words_of_a_peer_is_what_they_say_of_this_node(string reason, object meaning) =>
        Assert.Equal(meaning, RefusalTexts.MeaningOf(reason, TestNode.Identity(1, incarnation: 0xAB), peer: 2));

    [Fact]
    public void RefusedBy_a_peer_that_knows_another_directory_tells_which_and_nothing_of_other_reasons()
    {
        var told = new List<(int, PeerRefusal)>();
        var incarnations = new IncarnationMemory();
        PeerIdentity lost = TestNode.Identity(1, incarnation: 0xAB);
        incarnations.TryAdmit(1, 0xAA);
        var peer = new PeerGate(TestNode.Identity(2), [1, 3], incarnations, Bootstrap.Done);
        var own = new PeerGate(lost, [2, 3], new IncarnationMemory(), Bootstrap.Done)
        {
            OnRefused = (id, refusal) => told.Add((id, refusal)),
        };
        HandshakeRefusedException refusal = Assert.Throws<HandshakeRefusedException>(
            () => peer.AdmitCaller(new Hello(Handshake.RangeForm, ConsensusCodec.Version, 2, lost)));

        own.RefusedBy(2, refusal.Message);
        own.RefusedBy(3, refusal.Message);
        own.RefusedBy(3, "node 1 is of cluster 'a', node 3 of 'b'");

        Assert.Equal([(2, PeerRefusal.DirectoryLost)], told);
    }
}
