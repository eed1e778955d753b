using System.Text.RegularExpressions;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Deployment;

/// <summary>Environment variables that docs/configuration.md explains.</summary>
internal static partial class DocumentedVariables
{
    private const string SettingPrefix = "KvCloud__";

    private static readonly HashSet<string> Names = Read();

    /// <summary>A setting, which the node refuses if it does not know it, or one of the other variables.</summary>
    public static bool Knows(string name) =>
        name.StartsWith(SettingPrefix, StringComparison.Ordinal) || Names.Contains(name);

    private static HashSet<string> Read()
    {
        string page = File.ReadAllText(Repository.File("docs", "configuration.md"));
        string section = page.Split("\n## ")
            .Single(part => part.StartsWith("Other variables", StringComparison.Ordinal));
        IEnumerable<string> firstCells = section.Split('\n')
            .Where(line => line.StartsWith('|'))
            .Select(line => line.Split('|')[1]);
        return [.. firstCells.SelectMany(cell => Quoted().Matches(cell)).Select(match => match.Groups[1].Value)];
    }

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Quoted();
}
