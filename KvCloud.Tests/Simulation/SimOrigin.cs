using KvCloud.Consensus;
using KvCloud.Node.State;

namespace KvCloud.Tests.Simulation;

/// <summary>What a group begins with that is made of another one: by a restore, or by a recovery.</summary>
/// <param name="Directories">The data directory of each replica.</param>
/// <param name="Slot">The last slot of the old group's log that is in the data.</param>
/// <param name="Model">What the data mean.</param>
/// <param name="Keys">Those of the old group, in the order of ranges.</param>
/// <param name="Resent">Writes of the old group's sessions that clients send once more.</param>
/// <param name="Sessions">As the old group had them.</param>
/// <param name="WindowMs">
/// The longest retention window of its log. Where the wall clock of the old group went back, the window may owe an
/// eighth of that, which a shorter one pays only slowly.
/// </param>
/// <param name="Ops">So many operations have a number already.</param>
/// <param name="Attempts">And so many attempts.</param>
internal sealed record SimOrigin(
    string ClusterId,
    IReadOnlyList<SimDiskSnapshot> Directories,
    Slot Slot,
    SimModel Model,
    int FeatureLevel,
    IReadOnlyList<string> Keys,
    IReadOnlyList<SimOp> Resent,
    SessionLimits Sessions,
    long WindowMs,
    int Ops,
    int Attempts);
