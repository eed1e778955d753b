using KvCloud.Node.Operations;

namespace KvCloud.Node.Replication.Restore;

/// <summary>What is to be restored, and as what.</summary>
/// <param name="Staging">
/// A directory with <c>data/</c>, the files of a snapshot, and <c>log/</c>, blocks of the log as they came in files
/// <c>*.log</c>, whose names are in the order of their slots.
/// </param>
/// <param name="SourceClusterId">
/// Of the cluster that was backed up: blocks of the log say it themselves, a snapshot does not.
/// </param>
/// <param name="Target">Where <c>node_N</c> is made for each node: a directory that is not there, or empty.</param>
/// <param name="Nodes">The ids of the voters that the new group begins with.</param>
/// <param name="ClusterId">Of the new group; another than that of the backup.</param>
internal sealed record RestoreRequest(
    string Staging,
    string SourceClusterId,
    string Target,
    IReadOnlyList<int> Nodes,
    string ClusterId,
    RestorePoint Until)
{
    /// <summary>The new group begins above it; null for one that no version of before can reach.</summary>
    public CommitVersion? FirstVersion { get; init; }
}
