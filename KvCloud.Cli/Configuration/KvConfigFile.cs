using System.Runtime.Versioning;
using System.Text;
using Tomlyn;
using Tomlyn.Model;
using Tomlyn.Parsing;

namespace KvCloud.Cli.Configuration;

/// <summary>
/// The clusters that a user has given names, and which of them is meant when none is named:
/// <c>current = "prod"</c>, <c>[clusters.prod]</c> with endpoints and the rest of <see cref="ProfileKeys"/>.
/// </summary>
internal sealed class KvConfigFile
{
    public const string PathVariable = "KVCONFIG";
    public const string ClusterVariable = "KVCLOUD_CLUSTER";

    private const string CurrentKey = "current";
    private const string ClustersKey = "clusters";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OthersWrite = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;
    private const UnixFileMode OthersRead = UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private readonly SortedDictionary<string, ClusterProfile> _clusters = new(StringComparer.Ordinal);

    private KvConfigFile(string path)
    {
        Path = path;
    }

    public string Path { get; }

    /// <summary>The cluster that is meant when none is named; null for none.</summary>
    public string? Current { get; private set; }

    public IReadOnlyDictionary<string, ClusterProfile> Clusters => _clusters;

    /// <summary>$KVCONFIG, else ~/.config/kv/config.toml, or where XDG_CONFIG_HOME says.</summary>
    public static string DefaultPath => ClusterProfile.Variable(PathVariable)
        ?? System.IO.Path.Combine(
            ClusterProfile.Variable("XDG_CONFIG_HOME")
                ?? System.IO.Path.Combine(
                    Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".config"),
            "kv",
            "config.toml");

    /// <summary>The file, empty where there is none.</summary>
    /// <exception cref="UsageException">It is no such file, or others may do with it what they must not.</exception>
    public static KvConfigFile Load(string path)
    {
        var file = new KvConfigFile(System.IO.Path.GetFullPath(path));
        if (!File.Exists(file.Path))
        {
            return file;
        }

        try
        {
            string text = File.ReadAllText(file.Path);
            SyntaxParser.ParseStrict(text, path, validate: true);
            file.Read(TomlSerializer.Deserialize<TomlTable>(text) ?? []);
        }
        catch (TomlException exception)
        {
            string where = exception.Line is int line ? $", line {line}" : "";
            string reason = exception.Diagnostics.Count > 0
                ? exception.Diagnostics[0].Message.Trim()
                : exception.Message;
            throw new UsageException($"{path}{where} is not valid TOML: {reason}");
        }

        if (!OperatingSystem.IsWindows())
        {
            file.CheckMode();
        }

        return file;
    }

    /// <exception cref="UsageException">There is none of this name.</exception>
    public ClusterProfile Cluster(string name) => _clusters.TryGetValue(name, out ClusterProfile? profile)
        ? profile
        : throw new UsageException(
            _clusters.Count == 0
                ? $"there is no cluster '{name}': {Path} has none. Add it: kv config add {name} --endpoints host:port"
                : $"there is no cluster '{name}' in {Path}, which has {string.Join(", ", _clusters.Keys)}");

    public void Set(string name, ClusterProfile profile)
    {
        ProfileKeys.CheckName(name);
        _clusters[name] = profile;
        Current ??= name;
    }

    public void Remove(string name)
    {
        Cluster(name);
        _clusters.Remove(name);
        Current = Current == name ? null : Current;
    }

    public void Use(string? name)
    {
        if (name is not null)
        {
            Cluster(name);
        }

        Current = name;
    }

    /// <summary>Writes the file in one step, for its owner alone.</summary>
    public void Save()
    {
        var root = new TomlTable();
        if (Current is not null)
        {
            root[CurrentKey] = Current;
        }

        var clusters = new TomlTable();
        foreach ((string name, ClusterProfile profile) in _clusters)
        {
            clusters[name] = ProfileKeys.ToTable(profile);
        }

        root[ClustersKey] = clusters;
        string folder = System.IO.Path.GetDirectoryName(Path)!;
        if (!Directory.Exists(folder))
        {
            CreateFolder(folder);
        }

        string beside = Path + ".new";
        File.Delete(beside);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        using (var stream = new FileStream(beside, options))
        {
            stream.Write(Encoding.UTF8.GetBytes(TomlSerializer.Serialize(root)));
        }

        File.Move(beside, Path, overwrite: true);
    }

    private static void CreateFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
        }
        else
        {
            Directory.CreateDirectory(folder, OwnerOnly | UnixFileMode.UserExecute);
        }
    }

    private void Read(TomlTable root)
    {
        foreach ((string key, object? value) in root)
        {
            switch (key)
            {
                case CurrentKey when value is string current:
                    Current = current;
                    break;
                case ClustersKey when value is TomlTable clusters:
                    foreach ((string name, object? cluster) in clusters)
                    {
                        ProfileKeys.CheckName(name, $"{Path}: ");
                        _clusters[name] = ProfileKeys.Read(
                            cluster as TomlTable
                                ?? throw new UsageException($"{Path}: clusters.{name} must be a table"),
                            $"{Path}: clusters.{name}",
                            System.IO.Path.GetDirectoryName(Path)!);
                    }

                    break;
                default:
                    throw new UsageException(
                        $"{Path}: '{key}' is not known, or not of its kind; there are current = \"NAME\" and"
                        + " [clusters.NAME]");
            }
        }

        if (Current is not null)
        {
            Cluster(Current);
        }
    }

    [UnsupportedOSPlatform("windows")]
    private void CheckMode()
    {
        UnixFileMode mode = File.GetUnixFileMode(Path);
        if ((mode & OthersWrite) != 0)
        {
            throw new UsageException(
                $"others may write {Path}, and so have kv log in at an address of theirs; run chmod go-w {Path}");
        }

        if ((mode & OthersRead) != 0 && _clusters.FirstOrDefault(cluster => cluster.Value.HasSecret).Key is { } secret)
        {
            throw new UsageException(
                $"others may read {Path}, which holds a secret of cluster '{secret}'; run chmod 600 {Path}");
        }
    }
}
