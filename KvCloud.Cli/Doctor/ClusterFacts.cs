using KvCloud.Cli.Cluster;

namespace KvCloud.Cli.Doctor;

/// <summary>All that the doctor judges by.</summary>
/// <param name="At">This machine's time when the questions were asked.</param>
internal sealed record ClusterFacts(ClusterReport Now, IReadOnlyList<NodeFacts> Nodes, DateTimeOffset At)
{
    /// <summary>Null where no archive was named.</summary>
    public ArchiveFacts? Archive { get; init; }
}
