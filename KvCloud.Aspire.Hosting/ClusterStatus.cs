namespace Aspire.Hosting.KvCloud;

/// <summary>One replica's own report; fields are null if it did not answer.</summary>
/// <param name="Role"><c>leader</c>, <c>follower</c> or <c>candidate</c>.</param>
/// <param name="LeaderId">The leader according to this replica.</param>
/// <param name="ProcessId">Id of the replica's process; kept while the replica does not answer.</param>
internal sealed record ReplicaStatus(string? Role, int? LeaderId, int? ProcessId)
{
    public static ReplicaStatus Unknown { get; } = new(null, null, null);

    public bool Answers => Role is not null;
}

/// <summary>The reports of all replicas in one polling round, by index.</summary>
internal sealed record ClusterStatus(IReadOnlyList<ReplicaStatus> Replicas)
{
    public static ClusterStatus Unknown { get; } = new([]);

    public int Answering => Replicas.Count(replica => replica.Answers);

    /// <summary>
    /// The replica that reports itself as leader, if a majority of all replicas including itself agrees.
    /// </summary>
    public int? Leader
    {
        get
        {
            for (int index = 0; index < Replicas.Count; index++)
            {
                if (Replicas[index].Role == "leader"
                    && Replicas.Count(replica => replica.Answers && replica.LeaderId == index) > Replicas.Count / 2)
                {
                    return index;
                }
            }

            return null;
        }
    }

    public ReplicaStatus Of(int index) => index < Replicas.Count ? Replicas[index] : ReplicaStatus.Unknown;
}
