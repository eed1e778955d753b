namespace KvCloud.Backup.Source;

/// <summary>Chooses the replica to ask: the same one until it fails, then the next.</summary>
internal sealed class SourceRotation(IReadOnlyList<IReplicaSource> sources)
{
    private int _index;

    public IReplicaSource Current => sources[_index % sources.Count];

    public int Count => sources.Count;

    public void MoveOn() => _index++;
}
