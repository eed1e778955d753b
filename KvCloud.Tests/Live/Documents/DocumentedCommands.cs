using System.Text.RegularExpressions;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Live.Documents;

/// <summary>The commands of `kv` that stand in the text of a page, such as `kv member promote 3 --wait 300`.</summary>
internal static partial class DocumentedCommands
{
    private static readonly Dictionary<string, string> Helps = [];

    public static IReadOnlyList<(string Page, string Command)> InText { get; } =
    [
        .. CommandBlock.Pages.SelectMany(page => Span()
            .Matches(Fence().Replace(File.ReadAllText(Repository.File(page)), ""))
            .Select(span => (page, span.Groups["command"].Value)))
            .Distinct(),
    ];

    /// <summary>What is wrong with it: a command or an option that `kv` has not; null if nothing is.</summary>
    public static async Task<string?> MistakeAsync(string command)
    {
        string[] words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        string path = "";
        string help = await HelpAsync([]);
        int place = 0;
        for (; place < words.Length && Name().IsMatch(words[place]); place++)
        {
            string next = await HelpAsync([.. words.Take(place + 1)]);
            if (!UsageOf(next).StartsWith($"{path}{words[place]}", StringComparison.Ordinal))
            {
                break;
            }

            (path, help) = ($"{path}{words[place]} ", next);
        }

        // A group of commands takes no other word than those of its commands.
        if (place < words.Length
            && Name().IsMatch(words[place])
            && (path.Length == 0 || UsageOf(help).Contains("[command]", StringComparison.Ordinal)))
        {
            return $"kv {path}has no {words[place]}";
        }

        string[] unknown =
        [
            .. words.TakeWhile(word => word != "--").Select(word => word.TrimEnd(',', ';', '.').Split('=')[0])
                .Where(word => Option().IsMatch(word) && !HasOption(help, word)),
        ];
        return unknown.Length > 0 ? $"kv {path}has no {string.Join(", ", unknown)}" : null;
    }

    private static bool HasOption(string help, string option) =>
        Regex.IsMatch(help, $@"(?<![\w-]){Regex.Escape(option)}(?![\w-])");

    private static async Task<string> HelpAsync(string[] path)
    {
        string key = string.Join(' ', path);
        if (!Helps.TryGetValue(key, out string? help))
        {
            Helps[key] = help = (await KvProcess.RunAsync([.. path, "--help"])).Printed;
        }

        return help;
    }

    /// <summary>Without the name of the program, which here is that of the tests.</summary>
    private static string UsageOf(string help)
    {
        string[] lines = help.Split('\n');
        int usage = Array.FindIndex(lines, line => line.StartsWith("Usage:", StringComparison.Ordinal));
        return usage < 0 ? "" : lines[usage + 1].Trim().Split(' ', 2).Last();
    }

    [GeneratedRegex("`kv (?<command>[^`\n]+)`")]
    private static partial Regex Span();

    [GeneratedRegex("^```.*?^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();

    [GeneratedRegex("^[a-z][a-z-]*$")]
    private static partial Regex Name();

    [GeneratedRegex("^--?[a-z][a-z-]*$")]
    private static partial Regex Option();
}
