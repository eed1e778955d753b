using System.Globalization;
using KvCloud.Node.Replication.Restore;

namespace KvCloud.Node.Offline;

/// <summary>The options of a subcommand of this program. All mistakes are collected and reported at once.</summary>
internal sealed class SubcommandArguments
{
    private const int MaxClusterIdChars = 200;

    private readonly string _subcommand;
    private readonly Dictionary<string, List<string>> _values = new(StringComparer.Ordinal);
    private readonly List<string> _mistakes = [];

    /// <param name="known">The options with a value, without their dashes.</param>
    /// <param name="flags">The options without a value.</param>
    public SubcommandArguments(
        string subcommand, IReadOnlyList<string> args, IReadOnlyList<string> known, params string[] flags)
    {
        _subcommand = subcommand;
        for (int i = 0; i < args.Count; i++)
        {
            string name = args[i].StartsWith("--", StringComparison.Ordinal) ? args[i][2..] : "";
            if (args[i] is "-h" or "--help")
            {
                ShowHelp = true;
            }
            else if (flags.Contains(name))
            {
                _values[name] = [];
            }
            else if (!known.Contains(name))
            {
                _mistakes.Add($"\"{args[i]}\" is not known");
            }
            else if (i + 1 == args.Count)
            {
                _mistakes.Add($"{args[i]} needs a value");
            }
            else
            {
                _values.TryAdd(name, []);
                _values[name].Add(args[++i]);
            }
        }
    }

    public bool ShowHelp { get; }

    public bool Has(string flag) => _values.ContainsKey(flag);

    /// <summary>All values of a repeatable option.</summary>
    public IReadOnlyList<string> Texts(string name)
    {
        if (_values.TryGetValue(name, out List<string>? values) && values.TrueForAll(text => text.Length > 0))
        {
            return values;
        }

        _mistakes.Add($"--{name} is missing");
        return [];
    }

    public string Text(string name)
    {
        IReadOnlyList<string> texts = Texts(name);
        if (texts.Count > 1)
        {
            _mistakes.Add($"--{name} is given twice");
        }

        return texts.Count > 0 ? texts[0] : "";
    }

    public string ClusterId(string name)
    {
        string clusterId = Text(name);
        if (clusterId.Length > MaxClusterIdChars || clusterId.Any(char.IsControl))
        {
            _mistakes.Add($"--{name} must have at most {MaxClusterIdChars} characters and no control characters");
        }

        return clusterId;
    }

    public IReadOnlyList<int> Nodes()
    {
        var nodes = new List<int>();
        foreach (string part in Text("nodes").Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            if (int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int node)
                && !nodes.Contains(node))
            {
                nodes.Add(node);
            }
            else
            {
                _mistakes.Add($"--nodes has \"{part}\", which is not a node id, or is given twice");
            }
        }

        return [.. nodes.Order()];
    }

    /// <summary>Null if it is not given.</summary>
    public long? Number(string name)
    {
        if (!_values.ContainsKey(name))
        {
            return null;
        }

        string text = Text(name);
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number))
        {
            return number;
        }

        _mistakes.Add($"--{name} is \"{text}\", which is not a whole number");
        return null;
    }

    public void Require(bool condition, string mistake)
    {
        if (!condition)
        {
            _mistakes.Add(mistake);
        }
    }

    /// <exception cref="RestoreRefusedException">There are mistakes; the message names every one.</exception>
    public void Check()
    {
        if (_mistakes.Count > 0)
        {
            throw new RestoreRefusedException(RestoreFlaw.Request, $"{_subcommand}: {string.Join("; ", _mistakes)}");
        }
    }
}
