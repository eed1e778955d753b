namespace KvCloud.Backup.Source;

/// <summary>The replicas in the order in which they are asked: one stays until it fails.</summary>
internal sealed class SourceRotation(IReadOnlyList<IReplicaSource> sources)
{
    private int _index;

    public IReplicaSource Current => sources[_index % sources.Count];

    public int Count => sources.Count;

    public void MoveOn() => _index++;
}
