using System.Text.Json.Serialization;

namespace KvCloud.Backup.Format;

/// <summary>
/// A snapshot in an archive. Written when all of its files are there, so a snapshot that has one is whole.
/// </summary>
/// <param name="Slot">It holds what the slots up to this one have done.</param>
/// <param name="Version">The last commit version in it.</param>
/// <param name="UnixMs">When the last write in it was proposed; 0 if there is none.</param>
internal sealed record SnapshotManifest(
    int Format,
    string ClusterId,
    int NodeId,
    long Slot,
    long Version,
    long UnixMs,
    DateTimeOffset Taken,
    IReadOnlyList<ArchivedFile> Files)
{
    public const int CurrentFormat = 1;

    [JsonIgnore]
    public long SizeBytes => Files.Sum(file => file.SizeBytes);

    public byte[] Encode(out string name)
    {
        byte[] content = ChecksummedJson.Write(this, out string checksum);
        name = ArchiveLayout.SnapshotOf(this, checksum);
        return content;
    }

    /// <exception cref="ArchiveException">It is damaged, foreign, or of a later format.</exception>
    public static SnapshotManifest Decode(byte[] content, string name, string clusterId)
    {
        SnapshotManifest manifest = ChecksummedJson.Read<SnapshotManifest>(content, name);
        if (manifest.Format is < 1 or > CurrentFormat)
        {
            throw new ArchiveException($"{name} has format {manifest.Format}; this program knows {CurrentFormat}");
        }

        if (manifest.ClusterId != clusterId)
        {
            throw new ArchiveException($"{name} is of cluster '{manifest.ClusterId}', not of '{clusterId}'");
        }

        bool isSound = manifest.Slot >= 0 && manifest.Files.Count > 0
            && manifest.Files.All(file => file.IsPlain)
            && manifest.Files.DistinctBy(file => file.Name).Count() == manifest.Files.Count;
        return isSound ? manifest : throw new ArchiveException($"{name} is damaged: it names files that cannot be");
    }
}
