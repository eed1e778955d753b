namespace Aspire.Hosting.KvCloud;

/// <summary>What one replica said of itself; null fields where it did not answer.</summary>
/// <param name="Role"><c>leader</c>, <c>follower</c> or <c>candidate</c>.</param>
/// <param name="LeaderId">Whom it takes for the leader.</param>
/// <param name="ProcessId">Of the process that runs the replica, kept while it does not answer.</param>
internal sealed record ReplicaStatus(string? Role, int? LeaderId, int? ProcessId)
{
    public static ReplicaStatus Unknown { get; } = new(null, null, null);

    public bool Answers => Role is not null;
}

/// <summary>What all replicas said in one round of questions, by index.</summary>
internal sealed record ClusterStatus(IReadOnlyList<ReplicaStatus> Replicas)
{
    public static ClusterStatus Unknown { get; } = new([]);

    public int Answering => Replicas.Count(replica => replica.Answers);

    /// <summary>
    /// The replica that says it leads, where a majority of all replicas, itself included, says the same.
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
