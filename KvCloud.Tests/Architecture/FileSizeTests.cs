using KvCloud.Tests.Support;

namespace KvCloud.Tests.Architecture;

public sealed class FileSizeTests
{
    private const int LongFileLines = 400;
    private const string Reason = "Over 400 lines";

    /// <summary>A long file is a question; the remarks of its class answer it.</summary>
    [Fact]
    public void Source_file_that_is_long_says_why()
    {
        string[] unanswered =
        [
            .. Directory.EnumerateDirectories(Repository.File(), "KvCloud.*")
                .Where(project => !project.EndsWith("KvCloud.Tests", StringComparison.Ordinal))
                .SelectMany(project => Directory.EnumerateFiles(project, "*.cs", SearchOption.AllDirectories))
                .Where(IsSource)
                .Where(file => File.ReadLines(file).Count() > LongFileLines)
                .Where(file => !File.ReadAllText(file).Contains(Reason, StringComparison.Ordinal)),
        ];

        Assert.Empty(unanswered);
    }

    private static bool IsSource(string path) =>
        !path.Split(Path.DirectorySeparatorChar).Any(folder => folder is "bin" or "obj" or "Generated");
}
