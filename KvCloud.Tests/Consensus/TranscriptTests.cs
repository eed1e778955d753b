using System.Text;

namespace KvCloud.Tests.Consensus;

/// <summary>
/// The protocol as readable transcripts: in each file of Transcripts/ commands, a line <c>----</c>, and what they bring
/// about, up to an empty line. KVCLOUD_REWRITE=1 writes down what happens now; read the difference before you keep it.
/// </summary>
public class TranscriptTests
{
    private const string Separator = "----";

    public static TheoryData<string> Transcripts =>
        [.. Directory.GetFiles(Folder(), "*.txt").Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Transcripts))]
    public void The_protocol_goes_as_written(string name)
    {
        string path = Path.Combine(Folder(), name);
        string expected = File.ReadAllText(path);

        string actual = Replay(expected);

        if (Environment.GetEnvironmentVariable("KVCLOUD_REWRITE") == "1")
        {
            File.WriteAllText(path, actual);
            return;
        }

        Assert.Equal(expected, actual);
    }

    private static string Replay(string transcript)
    {
        var cluster = new TranscriptCluster();
        var output = new StringBuilder();
        bool isExpectation = false;
        var answers = new StringBuilder();
        foreach (string line in transcript.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n'))
        {
            if (isExpectation)
            {
                isExpectation = line.Length > 0;
                continue;
            }

            output.Append(line).Append('\n');
            if (line == Separator)
            {
                output.Append(answers).Append('\n');
                answers.Clear();
                isExpectation = true;
            }
            else if (line.Length > 0 && line[0] != '#')
            {
                answers.Append(cluster.Run(line));
            }
        }

        return output.ToString().TrimEnd('\n') + "\n";
    }

    private static string Folder()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string candidate = Path.Combine(folder.FullName, "KvCloud.Tests", "Consensus", "Transcripts");
            if (File.Exists(Path.Combine(folder.FullName, "KvCloud.sln")))
            {
                return candidate;
            }
        }

        throw new DirectoryNotFoundException($"KvCloud.sln is not above {AppContext.BaseDirectory}");
    }
}
