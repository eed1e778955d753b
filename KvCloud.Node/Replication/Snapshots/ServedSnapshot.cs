using KvCloud.Node.Files;

namespace KvCloud.Node.Replication.Snapshots;

/// <summary>A snapshot that is ready to be read.</summary>
/// <param name="Encoding">The encoded manifest.</param>
/// <param name="UnixMs">The time at which the last write in it was proposed; 0 if there is none.</param>
internal sealed record ServedSnapshot(SnapshotManifest Manifest, byte[] Encoding, long UnixMs)
{
    public long Id { get; } = SnapshotManifest.IdOf(Encoding);

    /// <summary>Reads a piece of a file; it is shorter than requested only at the end of the file.</summary>
    /// <exception cref="IOException">The file cannot be read, or is gone.</exception>
    public byte[] Read(IFileSystem files, string directory, int file, long offset, int count)
    {
        SnapshotFile of = Manifest.Files[file];
        byte[] content = new byte[(int)Math.Clamp(of.SizeBytes - offset, 0, count)];
        using IFile source = files.Open(Path.Combine(directory, of.Name), FileMode.Open, FileAccess.Read);
        return source.ReadFully(content, offset) == content.Length
            ? content
            : throw new EndOfStreamException($"{of.Name} of the snapshot is shorter than its manifest says");
    }
}
