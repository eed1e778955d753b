using System.Text;

namespace KvCloud.Cli.Shell;

/// <summary>
/// The lines typed before, newest last, kept in a file of the user's alone. A line that begins with a space is not
/// kept.
/// </summary>
internal sealed class LineHistory
{
    public const int Kept = 1_000;

    private readonly string? _path;
    private readonly List<string> _lines = [];
    private int _at;
    private string _typed = "";

    /// <param name="path">The file; null to remember until the end of the process.</param>
    public LineHistory(string? path)
    {
        _path = path;
        if (path is not null && File.Exists(path))
        {
            _lines.AddRange(File.ReadLines(path).Where(line => line.Length > 0).TakeLast(Kept));
        }

        _at = _lines.Count;
    }

    public IReadOnlyList<string> Lines => _lines;

    /// <summary>$XDG_STATE_HOME/kv/history, by default below ~/.local/state.</summary>
    public static string DefaultPath => Path.Combine(
        Configuration.ClusterProfile.Variable("XDG_STATE_HOME")
            ?? Path.Combine(
                Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".local", "state"),
        "kv",
        "history");

    public void Add(string line)
    {
        if (line.Length > 0 && line[0] != ' ' && (_lines.Count == 0 || _lines[^1] != line))
        {
            _lines.Add(line);
            if (_lines.Count > Kept)
            {
                _lines.RemoveAt(0);
            }
        }

        _at = _lines.Count;
        _typed = "";
    }

    /// <summary>The line before; what is typed now comes back at the end of <see cref="Next"/>.</summary>
    public string Previous(string now)
    {
        if (_at == _lines.Count)
        {
            _typed = now;
        }

        _at = Math.Max(0, _at - 1);
        return _lines.Count == 0 ? now : _lines[_at];
    }

    public string Next(string now)
    {
        if (_at == _lines.Count)
        {
            return now;
        }

        _at++;
        return _at == _lines.Count ? _typed : _lines[_at];
    }

    /// <summary>Writes the file; one that cannot be written costs the history and nothing else.</summary>
    public void Save()
    {
        if (_path is null)
        {
            return;
        }

        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(_path)!);
            var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }

            using var writer = new StreamWriter(_path, new UTF8Encoding(false), options);
            foreach (string line in _lines)
            {
                writer.WriteLine(line);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Of a home that is read-only, for instance.
        }
    }
}
