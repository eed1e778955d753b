using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace KvCloud.Tests.Live.PowerCut;

/// <summary>
/// The disk of one machine, of which a power cut takes what was not synced: a directory, and beside it the shadow in
/// which the preloaded <c>lossy_disk.c</c> keeps what is durable.
/// </summary>
internal sealed partial class LossyDisk
{
    private const int SectorSizeBytes = 512;

    private readonly string _shadow;

    /// <param name="path">A directory, made if it is missing, for both.</param>
    public LossyDisk(string path)
    {
        Root = Path.Combine(path, "disk");
        _shadow = Path.Combine(path, "shadow");
        Directory.CreateDirectory(Root);
        Directory.CreateDirectory(LivePath);
        Directory.CreateDirectory(DurablePath);
        Begin(new DiskDirectory(InodeOf(Root)));
    }

    /// <summary>What the program has for its disk.</summary>
    public string Root { get; }

    /// <summary>While true, each sync reports success and makes nothing durable.</summary>
    public bool IsSabotaged
    {
        get => File.Exists(SabotagePath);
        set => SetMark(SabotagePath, value);
    }

    /// <summary>
    /// While true, the program kills itself by a coin in the middle of a sync, or before or after a change of names.
    /// </summary>
    public bool IsTripping
    {
        get => File.Exists(TripPath);
        set => SetMark(TripPath, value);
    }

    /// <summary>While true, the bytes of each sync are kept, for <see cref="SyncTrace"/>.</summary>
    public bool IsTraced
    {
        get => File.Exists(TracePath);
        set => SetMark(TracePath, value);
    }

    public string TracePath => Path.Combine(_shadow, "trace");

    private string LivePath => Path.Combine(_shadow, "live");

    private string DurablePath => Path.Combine(_shadow, "durable");

    private string NamesPath => Path.Combine(_shadow, "names");

    private string TripPath => Path.Combine(_shadow, "trip");

    private string SabotagePath => Path.Combine(_shadow, "sabotage");

    /// <summary>The variables of a program that runs on this disk.</summary>
    /// <param name="syncTime">How long a sync takes; the layer itself waits for no disk.</param>
    public IEnumerable<KeyValuePair<string, string?>> Environment(TimeSpan syncTime = default) =>
    [
        new("LD_PRELOAD", LossyDiskLibrary.Path),
        new("LOSSY_DISK_ROOT", Root),
        new("LOSSY_DISK_SHADOW", _shadow),
        new("LOSSY_DISK_SYNC_US", syncTime.TotalMicroseconds.ToString("0", CultureInfo.InvariantCulture)),
    ];

    /// <summary>
    /// Makes of the disk what a power cut leaves of it. No program runs on it; the next one finds all of it durable.
    /// </summary>
    /// <param name="random">The coins.</param>
    /// <param name="survival">The share of unsynced sectors and names that survive; drawn if null.</param>
    public DiskLoss Cut(Random random, double? survival = null)
    {
        var names = DiskNames.Replay(File.ReadAllText(NamesPath));
        int waiting = names.Waiting;
        double share = survival ?? DrawShare(random);
        int undone = names.Settle(() => random.NextDouble() < share);
        var loss = new DiskLoss(0, 0, waiting, undone);
        foreach (ulong inode in FilesIn(names.Root).Distinct().Order())
        {
            loss += Mix(inode, random, survival ?? DrawShare(random));
        }

        Directory.Delete(Root, recursive: true);
        Directory.CreateDirectory(Root);
        var left = new DiskDirectory(InodeOf(Root));
        Rebuild(Root, names.Root, left);
        Begin(left);
        return loss;
    }

    /// <summary>A disk that wrote nothing back, or everything, or some: files seldom have the same fate.</summary>
    private static double DrawShare(Random random) => random.Next(6) switch
    {
        0 => 0,
        1 => 1,
        2 => 0.05,
        3 => 0.95,
        _ => 0.5,
    };

    private static IEnumerable<ulong> FilesIn(DiskDirectory directory) => directory.Durable.Values.SelectMany(
        node => node is DiskDirectory inner ? FilesIn(inner) : [node.Inode]);

    private static void SetMark(string path, bool isSet)
    {
        if (isSet)
        {
            File.WriteAllBytes(path, []);
        }
        else
        {
            File.Delete(path);
        }
    }

    /// <summary>Sector by sector what was written or what was durable. Both files are the same then.</summary>
    private DiskLoss Mix(ulong inode, Random random, double survival)
    {
        string livePath = Path.Combine(LivePath, Name(inode));
        string durablePath = Path.Combine(DurablePath, Name(inode));
        byte[] live = File.ReadAllBytes(livePath);
        byte[] durable = File.Exists(durablePath) ? File.ReadAllBytes(durablePath) : [];
        if (live.AsSpan().SequenceEqual(durable))
        {
            EnsureDurable(durablePath);
            return default;
        }

        byte[] left = new byte[DrawSize(live.Length, durable.Length, random, survival)];
        long differing = 0;
        long lost = 0;
        for (int start = 0; start < Math.Max(live.Length, durable.Length); start += SectorSizeBytes)
        {
            ReadOnlySpan<byte> written = SectorAt(live, start);
            ReadOnlySpan<byte> synced = SectorAt(durable, start);
            bool isKept = true;
            if (!written.SequenceEqual(synced))
            {
                isKept = random.NextDouble() < survival;
                differing++;
                lost += isKept ? 0 : 1;
            }

            if (start < left.Length)
            {
                ReadOnlySpan<byte> sector = isKept ? written : synced;
                sector[..Math.Min(sector.Length, left.Length - start)].CopyTo(left.AsSpan(start));
            }
        }

        File.WriteAllBytes(livePath, left);
        File.WriteAllBytes(durablePath, left);
        return new DiskLoss(differing, lost, 0, 0);
    }

    /// <summary>A size that was not synced is the old one, the new one, or, of a file that grew, in between.</summary>
    private static int DrawSize(int live, int durable, Random random, double survival)
    {
        if (live == durable || random.NextDouble() < survival)
        {
            return live;
        }

        return live < durable || survival == 0 || random.Next(2) == 0 ? durable : random.Next(durable, live);
    }

    private static ReadOnlySpan<byte> SectorAt(byte[] content, int start) =>
        start >= content.Length ? [] : content.AsSpan(start, Math.Min(SectorSizeBytes, content.Length - start));

    private static void EnsureDurable(string path)
    {
        if (!File.Exists(path))
        {
            File.WriteAllBytes(path, []);
        }
    }

    private void Rebuild(string path, DiskDirectory names, DiskDirectory left)
    {
        foreach ((string name, DiskNode node) in names.Durable)
        {
            string below = Path.Combine(path, name);
            if (node is DiskDirectory directory)
            {
                Directory.CreateDirectory(below);
                var made = new DiskDirectory(InodeOf(below));
                Rebuild(below, directory, made);
                left.Durable[name] = made;
            }
            else
            {
                Link(Path.Combine(LivePath, Name(node.Inode)), below);
                left.Durable[name] = node;
            }
        }
    }

    /// <summary>Begins a new record, all of it durable, and lets go of files that have no name any more.</summary>
    private void Begin(DiskDirectory root)
    {
        StringBuilder record = new StringBuilder().Append(CultureInfo.InvariantCulture, $"root\t{root.Inode}\n");
        Describe(root, record);
        File.WriteAllText(NamesPath, record.ToString());
        HashSet<string> named = [.. FilesIn(root).Select(Name)];
        foreach (string path in (string[])[.. Directory.GetFiles(LivePath), .. Directory.GetFiles(DurablePath)])
        {
            if (!named.Contains(Path.GetFileName(path)))
            {
                File.Delete(path);
            }
        }
    }

    private static void Describe(DiskDirectory directory, StringBuilder record)
    {
        foreach ((string name, DiskNode node) in directory.Durable)
        {
            string kind = node is DiskDirectory ? "directory" : "file";
            record.Append(CultureInfo.InvariantCulture, $"{kind}\t{directory.Inode}\t{name}\t{node.Inode}\n");
        }

        record.Append(CultureInfo.InvariantCulture, $"sync\t{directory.Inode}\n");
        foreach (DiskDirectory inner in directory.Durable.Values.OfType<DiskDirectory>())
        {
            Describe(inner, record);
        }
    }

    private static string Name(ulong inode) => inode.ToString(CultureInfo.InvariantCulture);

    private static void Link(string from, string to)
    {
        if (CreateLink(from, to) != 0)
        {
            throw new IOException($"{to} cannot be linked: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    /// <summary>The kernel tells it in a text of /proc, where .NET has no call for it.</summary>
    private static ulong InodeOf(string directory)
    {
        int descriptor = Open(directory, 0);
        if (descriptor < 0)
        {
            throw new IOException($"{directory} cannot be opened: {Marshal.GetLastPInvokeErrorMessage()}");
        }

        try
        {
            string line = File.ReadLines($"/proc/self/fdinfo/{descriptor}")
                .First(line => line.StartsWith("ino:", StringComparison.Ordinal));
            return ulong.Parse(line.AsSpan("ino:".Length).Trim(), CultureInfo.InvariantCulture);
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int CreateLink(string from, string to);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Close(int descriptor);
}

/// <summary>What a cut could have taken, and took.</summary>
/// <param name="Sectors">Those that differed from what was synced.</param>
/// <param name="SectorsLost">Those of them that are what they were at the last sync.</param>
/// <param name="Names">Changes of names that no sync of their directory followed.</param>
/// <param name="NamesLost">Those of them that are undone.</param>
internal readonly record struct DiskLoss(long Sectors, long SectorsLost, long Names, long NamesLost)
{
    public static DiskLoss operator +(DiskLoss left, DiskLoss right) => new(
        left.Sectors + right.Sectors,
        left.SectorsLost + right.SectorsLost,
        left.Names + right.Names,
        left.NamesLost + right.NamesLost);
}
