using KvCloud.Consensus;
using KvCloud.Node.Operations;

namespace KvCloud.Node.State;

/// <summary>What has been applied and can be read. Published as a whole after every batch.</summary>
/// <param name="StateHash">The state hash at exactly this slot.</param>
internal sealed record AppliedState(Slot Slot, CommitVersion Version, ulong StateHash)
{
    /// <summary>The group's feature level from the next slot on.</summary>
    public int FeatureLevel { get; init; } = FeatureLevels.First;
}
