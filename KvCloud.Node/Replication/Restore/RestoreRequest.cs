using KvCloud.Node.Operations;

namespace KvCloud.Node.Replication.Restore;

/// <summary>What to restore, and the group to create from it.</summary>
/// <param name="Staging">
/// A directory with <c>data/</c>, the files of a snapshot, and <c>log/</c>, with one block of the log in each file
/// <c>*.log</c>; the names sort by slot.
/// </param>
/// <param name="SourceClusterId">
/// The id of the cluster that was backed up. Blocks of the log name it; the files of a snapshot do not.
/// </param>
/// <param name="Target">The data root to create, with <c>node_N</c> for each node; must be missing or empty.</param>
/// <param name="Nodes">The ids of the initial voters of the new group.</param>
/// <param name="ClusterId">The id of the new group; it must differ from the backup's.</param>
internal sealed record RestoreRequest(
    string Staging,
    string SourceClusterId,
    string Target,
    IReadOnlyList<int> Nodes,
    string ClusterId,
    RestorePoint Until)
{
    /// <summary>Versions of the new group are above this one; null to choose it by the backup.</summary>
    public CommitVersion? FirstVersion { get; init; }
}
