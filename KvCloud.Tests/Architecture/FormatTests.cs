using System.Text.RegularExpressions;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Architecture;

/// <summary>The table of formats in docs/architecture.md is that of the code.</summary>
public sealed partial class FormatTests
{
    [Fact]
    public void Format_of_the_code_is_in_the_table_with_its_number_and_no_other_is()
    {
        string[] documented =
        [
            .. File.ReadLines(Repository.File("docs", "architecture.md"))
                .Select(line => Row().Match(line))
                .Where(match => match.Success)
                .Select(match => $"{match.Groups["file"].Value} {match.Groups["number"].Value}")
                .Order(StringComparer.Ordinal),
        ];

        Assert.Equal(Formats().Order(StringComparer.Ordinal), documented);
    }

    private static IEnumerable<string> Formats() =>
        from project in (string[])["KvCloud.Node", "KvCloud.Consensus"]
        from file in Directory.GetFiles(Repository.File(project), "*.cs", SearchOption.AllDirectories)
        where !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal)
        from line in File.ReadLines(file)
        let match = Constant().Match(line)
        where match.Success
        select $"{Path.GetFileName(file)} {match.Groups["number"].Value}";

    [GeneratedRegex(@"const (byte|ushort|int) \w*?(?<!Frame|Oldest)(FormatVersion|\bVersion) = (?<number>\d+);")]
    private static partial Regex Constant();

    [GeneratedRegex(@"^\| .*\| `(?<file>\w+\.cs)` \| (?<number>\d+) \|")]
    private static partial Regex Row();
}
