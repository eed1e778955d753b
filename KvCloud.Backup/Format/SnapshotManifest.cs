using System.Text.Json.Serialization;

namespace KvCloud.Backup.Format;

/// <summary>
/// The manifest of a snapshot in an archive. It is written after all files that it names, so a snapshot with a manifest
/// was complete.
/// </summary>
/// <param name="Slot">The last slot whose effects it contains.</param>
/// <param name="Version">The last commit version that it contains.</param>
/// <param name="UnixMs">The time at which its last write was proposed; 0 if there is none.</param>
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

    /// <exception cref="ArchiveException">It is damaged, of another cluster, or of a newer format.</exception>
    public static SnapshotManifest Decode(byte[] content, string name, string clusterId)
    {
        SnapshotManifest manifest = ChecksummedJson.Read<SnapshotManifest>(content, name);
        if (manifest.Format is < 1 or > CurrentFormat)
        {
            throw new ArchiveException(
                $"{name} has format {manifest.Format}; this program knows {CurrentFormat}");
        }

        if (manifest.ClusterId != clusterId)
        {
            throw new ArchiveException($"{name} belongs to cluster '{manifest.ClusterId}', not to '{clusterId}'");
        }

        bool isSound = manifest.Slot >= 0 && manifest.Files.Count > 0
            && manifest.Files.All(file => file.IsPlain)
            && manifest.Files.DistinctBy(file => file.Name).Count() == manifest.Files.Count;
        return isSound
            ? manifest
            : throw new ArchiveException($"{name} is damaged: its slot or one of its files is malformed");
    }
}
