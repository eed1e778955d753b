using System.Runtime.Versioning;
using KvCloud.Cli.Shell;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Cli;

public sealed class LineHistoryTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("kv-history-").FullName;

    private string Path => System.IO.Path.Combine(_folder, "kv", "history");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Previous_goes_back_and_next_returns_to_what_was_typed()
    {
        var history = new LineHistory(null);
        history.Add("get a");
        history.Add("get b");
        Assert.Equal("get b", history.Previous("typed"));
        Assert.Equal("get a", history.Previous("get b"));
        Assert.Equal("get a", history.Previous("get a"));
        Assert.Equal("get b", history.Next("get a"));
        Assert.Equal("typed", history.Next("get b"));
        Assert.Equal("typed", history.Next("typed"));
    }

    [Fact]
    public void Add_repeated_empty_and_hidden_lines_are_not_kept()
    {
        var history = new LineHistory(null);
        history.Add("get a");
        history.Add("get a");
        history.Add("");
        history.Add(" set secret 1");
        Assert.Equal(["get a"], history.Lines);
    }

    [UnixFact]
    [UnsupportedOSPlatform("windows")]
    public void Save_writes_for_the_user_alone_and_the_next_has_the_newest()
    {
        var history = new LineHistory(Path);
        for (int i = 0; i < LineHistory.Kept + 5; i++)
        {
            history.Add($"get {i}");
        }

        history.Save();

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path));
        var next = new LineHistory(Path);
        Assert.Equal(LineHistory.Kept, next.Lines.Count);
        Assert.Equal("get 5", next.Lines[0]);
        Assert.Equal($"get {LineHistory.Kept + 4}", next.Previous(""));
    }
}
