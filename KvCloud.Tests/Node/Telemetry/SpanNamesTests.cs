using System.Reflection;
using System.Text.RegularExpressions;
using KvCloud.Node.Telemetry;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Node.Telemetry;

public sealed partial class SpanNamesTests
{
    [Fact]
    public void SpanNames_and_attributes_are_those_of_the_documentation_and_no_others()
    {
        string page = File.ReadAllText(Repository.File("docs", "observability.md"));
        string section = page[page.IndexOf("## Traces", StringComparison.Ordinal)..];
        section = section[..section.IndexOf("\n## ", 1, StringComparison.Ordinal)];
        IEnumerable<string> documented = FirstCell().Matches(section)
            .SelectMany(row => Code().Matches(row.Value).Select(name => name.Groups[1].Value));

        Assert.Equal(
            Constants(typeof(SpanNames)).Concat(Constants(typeof(SpanNames.Attributes)))
                .Select(name => name == SpanNames.CallPrefix ? "TransactionalKV/<method>" : name)
                .Order(StringComparer.Ordinal),
            documented.Order(StringComparer.Ordinal));
    }

    private static IEnumerable<string> Constants(Type type) =>
        type.GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => (string)field.GetRawConstantValue()!);

    [GeneratedRegex(@"^\| `[^|]*", RegexOptions.Multiline)]
    private static partial Regex FirstCell();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Code();
}
