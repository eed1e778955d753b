namespace KvCloud.LocalCluster;

/// <summary>Something happened to a replica's process.</summary>
/// <param name="Replica">Whose process.</param>
/// <param name="IsAskedFor">
/// Whether the user of the cluster asked for it: a first start, a stop; not a crash and what follows from it.
/// </param>
/// <param name="Sentence">What happened, without the replica's name.</param>
internal readonly record struct NodeEvent(Replica Replica, bool IsAskedFor, string Sentence)
{
    public override string ToString() => $"{Replica.Name} {Sentence}";
}
