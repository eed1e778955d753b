namespace KvCloud.LocalCluster;

/// <summary>An event in the life of a replica's process.</summary>
/// <param name="Replica">The replica concerned.</param>
/// <param name="IsAskedFor">
/// Whether the user caused it, as for a first start or a stop; false for a crash and its consequences.
/// </param>
/// <param name="Sentence">What happened, without the replica's name.</param>
internal readonly record struct NodeEvent(Replica Replica, bool IsAskedFor, string Sentence)
{
    public override string ToString() => $"{Replica.Name} {Sentence}";
}
