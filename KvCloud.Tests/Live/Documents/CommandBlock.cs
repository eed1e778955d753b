using System.Text.RegularExpressions;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Live.Documents;

/// <summary>
/// A fenced block of commands of a page. One that is not run by the tests has a line before it that says why:
/// <c>&lt;!-- not run: needs a container engine --&gt;</c>.
/// </summary>
internal sealed partial record CommandBlock(string Page, int Line, string Language, string Text, string? WhyNotRun)
{
    /// <summary>Those of a shell, and those of a terminal with its answers.</summary>
    private static readonly string[] Shells = ["sh", "console"];

    /// <summary>README.md, CONTRIBUTING.md and so on, and docs/ with the runbooks; not the decisions.</summary>
    public static IReadOnlyList<string> Pages { get; } =
    [
        .. Directory.EnumerateFiles(Repository.File(), "*.md")
            .Concat(Directory.EnumerateFiles(Repository.File("docs"), "*.md"))
            .Concat(Directory.EnumerateFiles(Repository.File("docs", "runbooks"), "*.md"))
            .Select(file => Path.GetRelativePath(Repository.File(), file).Replace('\\', '/'))
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>All fenced blocks, whatever is in them.</summary>
    public static IReadOnlyList<CommandBlock> Fenced { get; } = [.. Pages.SelectMany(Read)];

    public static IEnumerable<CommandBlock> All => Fenced.Where(block => Shells.Contains(block.Language));

    /// <summary>The commands alone: of a terminal's text the lines behind a dollar sign.</summary>
    public string Script => Language == "console"
        ? string.Concat(Text.Split('\n').Where(line => line.StartsWith("$ ", StringComparison.Ordinal))
            .Select(line => line[2..] + "\n"))
        : Text;

    public override string ToString() => $"{Page}:{Line}";

    private static IEnumerable<CommandBlock> Read(string page)
    {
        string text = File.ReadAllText(Repository.File(page));
        return Block().Matches(text).Select(block => new CommandBlock(
            page,
            text[..block.Groups["fence"].Index].Count(letter => letter == '\n') + 1,
            block.Groups["language"].Value,
            block.Groups["text"].Value,
            block.Groups["why"].Success ? block.Groups["why"].Value : null));
    }

    [GeneratedRegex(
        @"(^<!-- not run: (?<why>.+?) -->\n)?(?<fence>^```)(?<language>\S*)\n(?<text>.*?)^```$",
        RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();
}
