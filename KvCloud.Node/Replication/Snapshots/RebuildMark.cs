using System.Text;
using KvCloud.Node.Files;
using KvCloud.Node.Storage;

namespace KvCloud.Node.Replication.Snapshots;

/// <summary>
/// A durable mark beside the data store: its data are to be rebuilt from a peer's. Installing a snapshot removes it.
/// </summary>
/// <param name="Damage">
/// The damage that was found; the data are not opened any more. Null if an operator has ordered the rebuild of sound
/// data, which serve until then.
/// </param>
internal sealed record RebuildMark(StoreDamage? Damage)
{
    private const string Header = "kvcloud rebuild 1";

    /// <summary>Null if there is no mark.</summary>
    public static RebuildMark? Read(IFileSystem files, SnapshotPaths paths)
    {
        if (!files.FileExists(paths.Rebuild))
        {
            return null;
        }

        string[] lines = Encoding.UTF8.GetString(files.ReadAllBytes(paths.Rebuild)).Split('\n');
        bool isReadable = lines[0] == Header && lines.Length >= 2
            && (lines[1] == "ordered" || (lines[1] == "damaged" && lines.Length >= 5));
        if (!isReadable)
        {
            // An unreadable mark is taken for damage: sound data are rebuilt in vain, damaged data never opened.
            return new RebuildMark(new StoreDamage(null, null, $"{paths.Rebuild} cannot be read"));
        }

        return lines[1] == "damaged"
            ? new RebuildMark(new StoreDamage(OrNull(lines[2]), OrNull(lines[3]), string.Join(' ', lines[4..])))
            : new RebuildMark(Damage: null);
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
