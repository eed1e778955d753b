using KvCloud.Consensus;
using KvCloud.Node.Files;

namespace KvCloud.Tests.Simulation;

/// <summary>
/// How long the calls of a <see cref="SimDisk"/> take. A sync takes from 100 microseconds up to the limit.
/// </summary>
internal sealed record SimDiskSettings(int SyncMaxUs = 1_000, int WriteUs = 20, int ReadUs = 5, int NameUs = 5);

/// <summary>The calls that can be made to fail.</summary>
internal enum SimDiskCall
{
    Open,
    Read,
    Write,
    Sync,
    FlushDirectory,
    Move,
}

/// <summary>
/// The disk of one machine, in memory, the same for the same seed. It knows two states: what processes see, the page
/// cache included, and what is durable. Between them lie the sectors, lengths and names that nobody has synced or
/// flushed.
/// </summary>
/// <remarks>
/// Calls are synchronous; the time they take in the simulated world is told by <see cref="EndOperation"/>. Their effect
/// is seen at once, but a crash before <see cref="Settle"/> undoes what comes after a random call of the operation.
/// </remarks>
internal sealed partial class SimDisk(DeterministicRandom random, SimDiskSettings? settings = null) : IFileSystem
{
    private const int SyncMinUs = 100;

    private readonly SimDiskSettings _settings = settings ?? new SimDiskSettings();
    private readonly HashSet<SimFileData> _locked = [];
    private readonly List<JournaledCall> _journal = [];
    private SimDirectory _root = new();
    private OperationState _operation;
    private bool _hasSynced;
    private long _operationUs;

    /// <summary>Grows with each crash: what was opened before is not valid any more.</summary>
    private int _life;

    private enum OperationState
    {
        None = 0,
        Running,
        Ended,
    }

    /// <summary>Extra time of each sync, while the disk is in trouble.</summary>
    public long SlowUs { get; set; }

    /// <summary>No sync ends before this moment, if <see cref="EndOperation"/> is told what time it is.</summary>
    public long StalledUntilUs { get; set; }

    /// <summary>An operation has begun and is not settled.</summary>
    public bool IsBusy => _operation != OperationState.None;

    /// <summary>
    /// What is called from now on takes time, and is undone from some point on by a crash before it is settled.
    /// </summary>
    public void BeginOperation()
    {
        Invariant.Check(_operation == OperationState.None, "a disk runs one operation at a time");
        _operation = OperationState.Running;
        _operationUs = 0;
        _hasSynced = false;
    }

    /// <summary>All calls of the operation were made; the caller settles it when their time is over.</summary>
    /// <returns>The microseconds they take.</returns>
    public long EndOperation(long nowUs = 0)
    {
        Invariant.Check(_operation == OperationState.Running, "there is no operation to end");
        _operation = OperationState.Ended;
        return _hasSynced ? Math.Max(_operationUs, StalledUntilUs - nowUs) : _operationUs;
    }

    /// <summary>
    /// The time of the operation is over: no crash undoes it, though a power cut takes what it has not synced.
    /// </summary>
    public void Settle()
    {
        Invariant.Check(_operation == OperationState.Ended, "an operation is ended before it is settled");
        _operation = OperationState.None;
        _journal.Clear();
    }

    /// <summary>
    /// The process dies: of an operation that is not settled the calls from some point on never happened. What it has
    /// written stays in the page cache. With the power off that is gone too: of the sectors, lengths and names that
    /// were not synced each may have reached the disk.
    /// </summary>
    public void Crash(bool isPowerCut)
    {
        CutOperation();
        _life++;
        _locked.Clear();
        if (isPowerCut)
        {
            _root.CutPower(random);
        }
    }

    public IFile Open(string path, FileMode mode, FileAccess access)
    {
        Invariant.Check(
            mode is FileMode.Open or FileMode.OpenOrCreate or FileMode.Create, $"mode {mode} is not simulated");
        Spend(_settings.NameUs);
        FailIfArmed(SimDiskCall.Open, path);
        if (IsOutOfHandles)
        {
            throw new IOException($"Too many open files : '{path}'");
        }

        SimDirectory directory = ParentOf(path);
        string name = NameOf(path);
        if (!directory.Visible.TryGetValue(name, out SimInode? node))
        {
            if (mode is FileMode.Open)
            {
                throw new FileNotFoundException($"Could not find file '{path}'.", path);
            }

            CheckSpace(path);
            node = new SimFileData();
            Change(directory, new NameChange(null, name, node));
        }

        SimFileData data = node as SimFileData
            ?? throw new UnauthorizedAccessException($"Access to the path '{path}' is denied.");
        if (mode is FileMode.Create && data.Length > 0)
        {
            Journal(data.SetLength(0));
        }

        return new SimFile(this, data, path, access);
    }

    public IDisposable TakeLock(string path)
    {
        using var file = (SimFile)Open(path, FileMode.OpenOrCreate, FileAccess.ReadWrite);
        return _locked.Add(file.Data)
            ? new SimLock(this, file.Data)
            : throw new FileInUseException($"The process cannot access the file '{path}': another one holds it.");
    }

    public bool FileExists(string path) => Find(path) is SimFileData;

    public bool DirectoryExists(string path) => Find(path) is SimDirectory;

    /// <summary>All of it is one volume.</summary>
    public bool IsMountPoint(string path) => false;

    public IReadOnlyList<string> ListFiles(string directory) =>
    [
        .. DirectoryAt(directory).Visible
            .Where(entry => entry.Value is SimFileData)
            .Select(entry => Path.Combine(directory, entry.Key)),
    ];

    public IReadOnlyList<string> ListDirectories(string directory) =>
    [
        .. DirectoryAt(directory).Visible
            .Where(entry => entry.Value is SimDirectory)
            .Select(entry => Path.Combine(directory, entry.Key)),
    ];

    public long GetFreeBytes(string directory)
    {
        DirectoryAt(directory);
        return IsFull ? 0 : FreeBytes;
    }

    public void CreateDirectory(string path)
    {
        Spend(_settings.NameUs);
        switch (Find(path))
        {
            case SimDirectory:
                return;
            case SimFileData:
                throw new IOException($"The file '{path}' already exists.");
            default:
                CheckSpace(path);
                Change(ParentOf(path), new NameChange(null, NameOf(path), new SimDirectory()));
                return;
        }
    }

    public void Move(string from, string to, bool replaces)
    {
        Spend(_settings.NameUs);
        FailIfArmed(SimDiskCall.Move, from);
        SimDirectory directory = ParentOf(from);
        Invariant.Check(directory == ParentOf(to), "a move to another directory is not simulated");
        if (!directory.Visible.TryGetValue(NameOf(from), out SimInode? node))
        {
            throw new FileNotFoundException($"Could not find file '{from}'.", from);
        }

        if (!replaces && directory.Visible.ContainsKey(NameOf(to)))
        {
            throw new IOException($"The file '{to}' already exists.");
        }

        Change(directory, new NameChange(NameOf(from), NameOf(to), node));
    }

    public void Delete(string path)
    {
        Spend(_settings.NameUs);
        SimDirectory directory = ParentOf(path);
        if (directory.Visible.TryGetValue(NameOf(path), out SimInode? node))
        {
            Invariant.Check(node is SimFileData, "the deletion of a directory is not simulated");
            Change(directory, new NameChange(NameOf(path), null, node));
        }
    }

    public void MoveDirectory(string from, string to)
    {
        Invariant.Check(Find(from) is null or SimDirectory, $"{from} is no directory");
        Move(from, to, replaces: false);
    }

    public void DeleteDirectory(string path)
    {
        if (Find(path) is not SimDirectory directory)
        {
            return;
        }

        foreach (string file in ListFiles(path))
        {
            Delete(file);
        }

        foreach (string inner in ListDirectories(path))
        {
            DeleteDirectory(inner);
        }

        Spend(_settings.NameUs);
        Change(ParentOf(path), new NameChange(NameOf(path), null, directory));
    }

    public long AvailableBytes(string directory) => IsFull ? 0 : long.MaxValue;

    public void FlushDirectory(string path)
    {
        SpendSync();
        SimDirectory directory = DirectoryAt(path);
        FailIfArmed(SimDiskCall.FlushDirectory, path);
        Journal(directory.Flush());
    }

    private void CutOperation()
    {
        if (_operation != OperationState.None)
        {
            int happened = random.Next(_journal.Count + 1);
            for (int i = _journal.Count - 1; i >= happened; i--)
            {
                // Of the call under way a part may have happened.
                _journal[i].Undo(i == happened ? random : null);
            }
        }

        _journal.Clear();
        _operation = OperationState.None;
    }

    private void Change(SimDirectory directory, NameChange change) => Journal(directory.Change(change));

    private void Journal(JournaledCall call)
    {
        Invariant.Check(_operation != OperationState.Ended, "a disk that is busy with an operation takes no change");
        if (_operation == OperationState.Running)
        {
            _journal.Add(call);
        }
    }

    private void Spend(long us) => _operationUs += us;

    private void SpendSync()
    {
        _hasSynced = true;
        if (_operation == OperationState.Running)
        {
            Spend(SyncMinUs + random.Next(Math.Max(1, _settings.SyncMaxUs - SyncMinUs)) + SlowUs);
        }
    }

    private SimDirectory ParentOf(string path) =>
        DirectoryAt(Path.GetDirectoryName(path) ?? throw new IOException($"'{path}' has no parent."));

    private SimDirectory DirectoryAt(string path) =>
        Find(path) as SimDirectory
        ?? throw new DirectoryNotFoundException($"Could not find a part of the path '{path}'.");

    private SimInode? Find(string path)
    {
        Invariant.Check(Path.IsPathRooted(path), $"paths on a simulated disk are whole: {path}");
        SimInode? node = _root;
        foreach (Range part in path.AsSpan().SplitAny('/', '\\'))
        {
            string name = path[part];
            if (name.Length > 0 && !name.EndsWith(':'))
            {
                node = (node as SimDirectory)?.Visible.GetValueOrDefault(name);
            }
        }

        return node;
    }

    private static string NameOf(string path) => Path.GetFileName(path);

    private void CheckLife(int life, string path)
    {
        if (life != _life)
        {
            throw new IOException($"'{path}' was opened by a process that is gone.");
        }
    }

    private sealed class SimFile(SimDisk disk, SimFileData data, string path, FileAccess access) : IFile
    {
        private readonly int _life = disk._life;

        public SimFileData Data => data;

        public long Length
        {
            get
            {
                disk.CheckLife(_life, path);
                return data.Length;
            }
        }

        public int Read(Span<byte> destination, long offset)
        {
            disk.CheckLife(_life, path);
            disk.Spend(disk._settings.ReadUs);
            disk.FailIfArmed(SimDiskCall.Read, path);
            return data.Read(destination, offset);
        }

        public void Write(ReadOnlySpan<byte> source, long offset)
        {
            BeginChange(disk._settings.WriteUs);
            if (disk.TakeArmed(SimDiskCall.Write, path))
            {
                // Whole sectors of it, as a disk writes them.
                int sectors = disk.Random.Next((source.Length / SimFileData.SectorSizeBytes) + 1);
                disk.Journal(data.Write(source[..(sectors * SimFileData.SectorSizeBytes)], offset));
                throw Failure(SimDiskCall.Write, path);
            }

            int fits = disk.IsFull ? data.BytesWithoutNewSpace(offset, source.Length) : source.Length;
            disk.Journal(data.Write(source[..fits], offset));
            if (fits < source.Length)
            {
                throw NoSpace(path);
            }
        }

        public void SetLength(long length)
        {
            BeginChange(disk._settings.NameUs);
            disk.Journal(data.SetLength(length));
        }

        public void DropCached()
        {
            // What was written is read back from the simulated disk as it is.
        }

        public void SyncData()
        {
            disk.CheckLife(_life, path);
            disk.SpendSync();
            if (disk.TakeArmed(SimDiskCall.Sync, path))
            {
                disk.Journal(data.FailToSync(disk.Random));
                throw Failure(SimDiskCall.Sync, path);
            }

            if (!disk.IgnoresSyncs || !path.EndsWith(".log", StringComparison.Ordinal))
            {
                disk.Journal(data.Sync());
            }
        }

        public void Dispose()
        {
            // Closing a file neither syncs it nor fails.
        }

        private void BeginChange(long us)
        {
            disk.CheckLife(_life, path);
            if (!access.HasFlag(FileAccess.Write))
            {
                throw new UnauthorizedAccessException($"'{path}' was opened for reading.");
            }

            disk.Spend(us);
        }
    }

    private sealed class SimLock(SimDisk disk, SimFileData file) : IDisposable
    {
        private readonly int _life = disk._life;

        public void Dispose()
        {
            if (_life == disk._life)
            {
                disk._locked.Remove(file);
            }
        }
    }
}
