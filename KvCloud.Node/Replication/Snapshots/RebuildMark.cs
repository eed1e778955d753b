using System.Text;
using KvCloud.Node.Files;
using KvCloud.Node.Storage;

namespace KvCloud.Node.Replication.Snapshots;

/// <summary>
/// Notes durably, beside the data store, that its data are to be made anew from a peer's, so that a start knows it too.
/// The snapshot that replaces the data removes it.
/// </summary>
/// <param name="Damage">What was found in the data, which are not opened any more; null where somebody wants sound data
/// to be made anew, which serve until then.</param>
internal sealed record RebuildMark(StoreDamage? Damage)
{
    private const string Header = "kvcloud rebuild 1";

    /// <summary>Null where there is none.</summary>
    public static RebuildMark? Read(IFileSystem files, SnapshotPaths paths)
    {
        if (!files.FileExists(paths.Rebuild))
        {
            return null;
        }

        string[] lines = Encoding.UTF8.GetString(files.ReadAllBytes(paths.Rebuild)).Split('\n');
        if (lines[0] != Header || lines.Length < 2)
        {
            // It says at least that somebody found the data wanting.
            return new RebuildMark(new StoreDamage(null, null, $"{paths.Rebuild} cannot be read"));
        }

        return new RebuildMark(lines[1] == "damaged" && lines.Length >= 5
            ? new StoreDamage(OrNull(lines[2]), OrNull(lines[3]), string.Join(' ', lines[4..]))
            : null);
    }

    public void Write(IFileSystem files, SnapshotPaths paths)
    {
        string text = Damage is null
            ? $"{Header}\nordered"
            : $"{Header}\ndamaged\n{Damage.Table}\n{Damage.File}\n{Damage.What}";
        files.ReplaceAtomically(paths.Rebuild, Encoding.UTF8.GetBytes(text));
    }

    public static void Remove(IFileSystem files, SnapshotPaths paths)
    {
        if (files.FileExists(paths.Rebuild))
        {
            files.Delete(paths.Rebuild);
            files.FlushParent(paths.Rebuild);
        }
    }

    private static string? OrNull(string line) => line.Length == 0 ? null : line;
}
