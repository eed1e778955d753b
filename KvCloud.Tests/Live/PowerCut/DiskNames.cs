using System.Globalization;

namespace KvCloud.Tests.Live.PowerCut;

/// <summary>What a name stands for.</summary>
internal abstract class DiskNode(ulong inode)
{
    /// <summary>A file's is its own for good; a directory's may be another's later.</summary>
    public ulong Inode => inode;
}

internal sealed class DiskFile(ulong inode) : DiskNode(inode);

internal sealed class DiskDirectory(ulong inode) : DiskNode(inode)
{
    /// <summary>Its names as the program sees them.</summary>
    public SortedDictionary<string, DiskNode> Current { get; } = new(StringComparer.Ordinal);

    /// <summary>Its names as they are on disk for certain.</summary>
    public SortedDictionary<string, DiskNode> Durable { get; } = new(StringComparer.Ordinal);
}

/// <summary>
/// The names of a watched directory: replays what the layer recorded. A change of names waits until its directory is
/// synced; what still waits at the cut happened on disk or did not. A rename happens as a whole, as in every file
/// system with a journal; of two changes the later one may be on disk alone, as after fsync of a file on btrfs.
/// </summary>
internal sealed class DiskNames
{
    private readonly Dictionary<ulong, DiskDirectory> _directories = [];
    private readonly Dictionary<ulong, DiskFile> _files = [];
    private readonly List<Change> _waiting = [];

    private DiskNames(DiskDirectory root) => Root = root;

    public DiskDirectory Root { get; }

    /// <summary>Changes that no sync of their directory followed.</summary>
    public int Waiting => _waiting.Count;

    /// <summary>Replays a record, whose last line may be cut off by the kill.</summary>
    public static DiskNames Replay(string record)
    {
        DiskNames? names = null;
        string whole = record[..(record.LastIndexOf('\n') + 1)];
        foreach (string line in whole.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] fields = line.Split('\t');
            ulong inode = Number(fields[1]);
            if (fields[0] == "root")
            {
                names = new DiskNames(new DiskDirectory(inode));
                names._directories[inode] = names.Root;
            }
            else
            {
                (names ?? throw new FormatException("a record of names begins with its root")).Take(fields, inode);
            }
        }

        return names ?? throw new FormatException("a record of names is empty");
    }

    /// <summary>Settles every change that waits. Gives the number of those that did not happen.</summary>
    /// <param name="happened">Asked for each in the order in which the program made them.</param>
    public int Settle(Func<bool> happened)
    {
        int undone = 0;
        foreach (Change change in _waiting)
        {
            if (happened())
            {
                change.MakeDurable();
            }
            else
            {
                undone++;
            }
        }

        _waiting.Clear();
        return undone;
    }

    private void Take(string[] fields, ulong inode)
    {
        // A directory that is not known was removed, or came to be in a moment that the kill cut off.
        if (!_directories.TryGetValue(inode, out DiskDirectory? directory))
        {
            return;
        }

        switch (fields[0])
        {
            case "file":
                Make(new Change(null, null, directory, fields[2], FileOf(fields[3])));
                break;
            case "directory":
                var made = new DiskDirectory(Number(fields[3]));
                _directories[made.Inode] = made;
                Make(new Change(null, null, directory, fields[2], made));
                break;
            case "remove" when directory.Current.TryGetValue(fields[2], out DiskNode? node):
                Make(new Change(directory, fields[2], null, null, node));
                break;
            case "rename" when directory.Current.TryGetValue(fields[2], out DiskNode? node)
                && _directories.TryGetValue(Number(fields[3]), out DiskDirectory? to):
                Make(new Change(directory, fields[2], to, fields[4], node));
                break;
            case "sync":
                _waiting.Where(change => change.IsIn(directory)).ToList().ForEach(change => change.MakeDurable());
                _waiting.RemoveAll(change => change.IsIn(directory));
                break;
            case "remove" or "rename":
                break;
            default:
                throw new FormatException($"a record of names has the line '{string.Join(' ', fields)}'");
        }
    }

    private static ulong Number(string text) => ulong.Parse(text, CultureInfo.InvariantCulture);

    private DiskFile FileOf(string inode)
    {
        ulong number = Number(inode);
        return _files.TryGetValue(number, out DiskFile? file) ? file : _files[number] = new DiskFile(number);
    }

    private void Make(Change change)
    {
        change.ApplyTo(directory => directory.Current);
        _waiting.Add(change);
    }

    /// <summary>A name goes, or comes, or both at once.</summary>
    private sealed record Change(
        DiskDirectory? From, string? OldName, DiskDirectory? To, string? NewName, DiskNode Node)
    {
        public bool IsIn(DiskDirectory directory) => From == directory || To == directory;

        public void MakeDurable() => ApplyTo(directory => directory.Durable);

        public void ApplyTo(Func<DiskDirectory, SortedDictionary<string, DiskNode>> names)
        {
            // The name may stand for another file there, where an earlier change did not happen.
            if (From is not null && names(From).GetValueOrDefault(OldName!) == Node)
            {
                names(From).Remove(OldName!);
            }

            if (To is not null)
            {
                names(To)[NewName!] = Node;
            }
        }
    }
}
