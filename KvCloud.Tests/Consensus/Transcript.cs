using System.Text;

namespace KvCloud.Tests.Consensus;

/// <summary>
/// Commands, a line <c>----</c>, and what they bring about, up to an empty line. Comments begin with <c>#</c>; the
/// lines
/// <c># must show: TEXT</c> and <c># must never show: TEXT</c> hold what is brought about to the transcript's point.
/// </summary>
internal static class Transcript
{
    private const string Separator = "----";
    private const string MustShow = "# must show: ";
    private const string MustNeverShow = "# must never show: ";

    /// <summary>The same commands, with what they bring about now.</summary>
    public static string Replay(string transcript)
    {
        var cluster = new TranscriptCluster();
        var text = new StringBuilder();
        var answers = new StringBuilder();
        foreach (string line in Lines(transcript).Where(line => !line.IsOutput).Select(line => line.Text))
        {
            text.Append(line).Append('\n');
            if (line == Separator)
            {
                text.Append(answers).Append('\n');
                answers.Clear();
            }
            else if (line.Length > 0 && line[0] != '#')
            {
                answers.Append(cluster.Run(line));
            }
        }

        return text.ToString().TrimEnd('\n') + "\n";
    }

    /// <summary>
    /// What keeps the transcript from showing its point; null when nothing does. Each text that must show stands in one
    /// line of what is brought about, below the line of the text before it.
    /// </summary>
    public static string? Fault(string transcript)
    {
        List<string> output = [.. Lines(transcript).Where(line => line.IsOutput).Select(line => line.Text)];
        List<string> mustShow = Texts(transcript, MustShow);
        if (mustShow.Count == 0)
        {
            return $"no line '{MustShow}TEXT' says what it is about";
        }

        int below = 0;
        foreach (string text in mustShow)
        {
            int found = output.FindIndex(below, line => line.Contains(text, StringComparison.Ordinal));
            if (found < 0)
            {
                return $"does not show, or not in this order: {text}";
            }

            below = found + 1;
        }

        string? unwanted = Texts(transcript, MustNeverShow)
            .Find(text => output.Exists(line => line.Contains(text, StringComparison.Ordinal)));
        return unwanted is null ? null : $"shows: {unwanted}";
    }

    /// <summary>An empty text, which every line contains, is none.</summary>
    private static List<string> Texts(string transcript, string directive) =>
        [.. Lines(transcript)
            .Where(line => !line.IsOutput && line.Text.StartsWith(directive, StringComparison.Ordinal))
            .Select(line => line.Text[directive.Length..].Trim())
            .Where(text => text.Length > 0)];

    private static IEnumerable<(string Text, bool IsOutput)> Lines(string transcript)
    {
        bool isOutput = false;
        foreach (string line in transcript.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n'))
        {
            yield return (line, isOutput);
            isOutput = isOutput ? line.Length > 0 : line == Separator;
        }
    }
}
