using System.Text.RegularExpressions;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.RawClients;

/// <summary>A program of docs/first-programs.md, just as it stands there.</summary>
/// <param name="File">What the page calls it.</param>
/// <param name="Source">The program.</param>
/// <param name="Commands">How the page says it is made and run; empty where it leaves that to the project.</param>
internal sealed partial record FirstProgram(string File, string Source, string Commands)
{
    /// <summary>The endpoint that the page's commands name.</summary>
    private const string PageEndpoint = "localhost:9090";

    /// <param name="language">As its code block is marked: csharp, python, javascript or cpp.</param>
    public static FirstProgram Of(string language)
    {
        Match section = Assert.Single(
            Sections().Split(Page()).Select(text => Program().Match(text)),
            match => match.Success && match.Groups["language"].Value == language);
        return new FirstProgram(
            section.Groups["file"].Value, section.Groups["source"].Value, section.Groups["commands"].Value);
    }

    /// <summary>What each of the programs prints, as the page says.</summary>
    public static string Printed() => Text().Match(Page()).Groups[1].Value;

    /// <summary>Does in an empty folder what the page says, and gives back what was printed.</summary>
    public async Task<string> RunAsync(string folder, string endpoint, params (string Name, string Value)[] environment)
    {
        await System.IO.File.WriteAllTextAsync(Path.Combine(folder, File), Source);
        System.IO.File.Copy(
            Repository.File("KvCloud.Protocol", "kvstore.thrift"), Path
                .Combine(folder, "kvstore.thrift"), overwrite: true);
        Assert.Contains(PageEndpoint, Commands, StringComparison.Ordinal);
        string commands = Commands.Replace(PageEndpoint, endpoint, StringComparison.Ordinal);
        return await RawClientKit.RunInAsync(folder, "sh", ["-e", "-c", commands], environment);
    }

    private static string Page() => System.IO.File.ReadAllText(Repository.File("docs", "first-programs.md"));

    [GeneratedRegex("^## ", RegexOptions.Multiline)]
    private static partial Regex Sections();

    [GeneratedRegex("^```text\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Text();

    [GeneratedRegex(
        "(^```sh\n(?<commands>.*?)^```\n\n`(?<file>[^`\n]+)`:\n\n)?^```"
        + "(?<language>csharp|python|javascript|cpp)\n(?<source>.*?)^```",
        RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Program();
}
