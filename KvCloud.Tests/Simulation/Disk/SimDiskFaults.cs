using KvCloud.Consensus;

namespace KvCloud.Tests.Simulation;

/// <summary>What a test, or the nemesis, does to a disk.</summary>
internal sealed partial class SimDisk
{
    private readonly List<(SimDiskCall Call, string Below)> _armed = [];

    /// <summary>Writes that need new space fail, and so does the making of files and directories.</summary>
    public bool IsFull { get; set; }

    /// <summary>What it says to be free, whatever is written.</summary>
    public long FreeBytes { get; set; } = long.MaxValue;

    /// <summary>It says that it has synced a segment of the log, and has not: no fault of a disk, but a lie.</summary>
    public bool IgnoresSyncs { get; set; }

    /// <summary>No file can be opened, as when the process has no handle left.</summary>
    public bool IsOutOfHandles { get; set; }

    /// <summary>Calls that are to fail and have not come yet.</summary>
    public int ArmedFaults => _armed.Count;

    private DeterministicRandom Random => random;

    /// <summary>
    /// The next such call at or below a path fails. Of a write that fails some sectors were written. After a sync that
    /// fails the sectors count as clean, as in Linux: they are seen, but no later sync brings them to the disk.
    /// </summary>
    public void FailNext(SimDiskCall call, string below = "/") => _armed.Add((call, below));

    /// <summary>Calls that were to fail go well again; the disk has room and the process handles.</summary>
    public void Heal()
    {
        _armed.Clear();
        IsFull = false;
        FreeBytes = long.MaxValue;
        IsOutOfHandles = false;
    }

    /// <summary>All files at or below a path, in the order of their names.</summary>
    public IReadOnlyList<string> FilesBelow(string path)
    {
        var files = new List<string>();
        AddFiles(Find(path), path, files);
        return files;
    }

    public long LengthOf(string path) => FileAt(path).Length;

    /// <summary>What is read of a file, by whom no fault can meet.</summary>
    public byte[] ContentOf(string path)
    {
        SimFileData file = FileAt(path);
        byte[] content = new byte[file.Length];
        file.Read(content, 0);
        return content;
    }

    /// <summary>Turns a bit of a file around, on the disk and in what is read of it.</summary>
    public void FlipBit(string path, long bit) => FileAt(path).FlipBit(bit);

    /// <summary>A file, or a directory with all that is in it, is gone for good. Between operations.</summary>
    public void Lose(string path)
    {
        Invariant.Check(!IsBusy, "nothing is lost in the middle of an operation");
        if (Find(path) is SimInode node)
        {
            ParentOf(path).Lose(NameOf(path), node);
        }
    }

    /// <summary>A copy of what is seen at a path, as a backup takes it; of a path with nothing there nothing.</summary>
    public SimDiskSnapshot Snapshot(string path = "/") => new(path, Find(path)?.Clone());

    /// <summary>
    /// What is at the snapshot's path is what it was then, and durable. For a disk that no process uses.
    /// </summary>
    public void RestoreFrom(SimDiskSnapshot snapshot)
    {
        Invariant.Check(!IsBusy, "a disk is put back between operations");
        if (Find(snapshot.Path) == _root)
        {
            _root = (SimDirectory)snapshot.Node!.Clone();
            return;
        }

        Lose(snapshot.Path);
        if (snapshot.Node is SimInode node)
        {
            ParentOf(snapshot.Path).Put(NameOf(snapshot.Path), node.Clone());
        }
    }

    private static void AddFiles(SimInode? node, string path, List<string> files)
    {
        if (node is SimFileData)
        {
            files.Add(path);
        }
        else if (node is SimDirectory directory)
        {
            foreach ((string name, SimInode child) in directory.Visible)
            {
                AddFiles(child, Path.Combine(path, name), files);
            }
        }
    }

    private SimFileData FileAt(string path) =>
        Find(path) as SimFileData ?? throw new FileNotFoundException($"Could not find file '{path}'.", path);

    private bool TakeArmed(SimDiskCall call, string path)
    {
        int index = _armed.FindIndex(
            fault => fault.Call == call && path.StartsWith(fault.Below, StringComparison.Ordinal));
        if (index < 0)
        {
            return false;
        }

        _armed.RemoveAt(index);
        return true;
    }

    private void FailIfArmed(SimDiskCall call, string path)
    {
        if (TakeArmed(call, path))
        {
            throw Failure(call, path);
        }
    }

    private void CheckSpace(string path)
    {
        if (IsFull)
        {
            throw NoSpace(path);
        }
    }

    private static IOException Failure(SimDiskCall call, string path) =>
        new($"{call} failed: Input/output error : '{path}'");

    private static IOException NoSpace(string path) => new($"No space left on device : '{path}'");
}

/// <summary>What was at a path one day.</summary>
/// <param name="Node">Null if there was nothing.</param>
internal sealed record SimDiskSnapshot(string Path, SimInode? Node);
