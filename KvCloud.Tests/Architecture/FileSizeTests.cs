using KvCloud.Tests.Support;

namespace KvCloud.Tests.Architecture;

public sealed class FileSizeTests
{
    private const int LongFileLines = 400;
    private const int MaxColumns = 120;
    private const string Reason = "Over 400 lines";

    /// <summary>A long file is a question; the remarks of its class answer it.</summary>
    [Fact]
    public void Source_that_is_long_says_why()
    {
        string[] unanswered =
        [
            .. Sources()
                .Where(file => !file.Contains("KvCloud.Tests", StringComparison.Ordinal))
                .Where(file => File.ReadLines(file).Count() > LongFileLines)
                .Where(file => !File.ReadAllText(file).Contains(Reason, StringComparison.Ordinal)),
        ];

        Assert.Empty(unanswered);
    }

    /// <summary>The analyzer that holds code to this does not look at comments.</summary>
    [Fact]
    public void Source_with_comments_has_them_within_120_columns()
    {
        string[] tooLong =
        [
            .. Sources().SelectMany(file => File.ReadLines(file)
                .Where(line => line.Length > MaxColumns && line.TrimStart().StartsWith("//", StringComparison.Ordinal))
                .Select(line => $"{file}: {line.Trim()}")),
        ];

        Assert.Empty(tooLong);
    }

    private static IEnumerable<string> Sources() => Directory.EnumerateDirectories(Repository.File(), "KvCloud.*")
        .SelectMany(project => Directory.EnumerateFiles(project, "*.cs", SearchOption.AllDirectories))
        .Where(IsSource);

    private static bool IsSource(string path) =>
        !path.Split(Path.DirectorySeparatorChar).Any(folder => folder is "bin" or "obj" or "Generated");
}
