namespace KvCloud.Tests.Consensus;

/// <summary>
/// The protocol as readable transcripts (<see cref="Transcript"/>) in Transcripts/. KVCLOUD_REWRITE=1 writes down what
/// happens now, but nothing that no longer shows a transcript's point; read the difference before you keep it.
/// </summary>
public class TranscriptTests
{
    public static TheoryData<string> Transcripts =>
        [.. Directory.GetFiles(Folder(), "*.txt").Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Transcripts))]
    public void Replay_of_any_transcript_goes_as_written(string name)
    {
        string path = Path.Combine(Folder(), name);
        string expected = File.ReadAllText(path);

        string actual = Transcript.Replay(expected);

        bool isRewriting = Environment.GetEnvironmentVariable("KVCLOUD_REWRITE") == "1";
        if (!isRewriting)
        {
            Assert.Equal(expected, actual);
        }

        string? fault = Transcript.Fault(actual);
        Assert.True(fault is null, $"{name}: {fault}\n\n{actual}");
        if (isRewriting)
        {
            File.WriteAllText(path, actual);
        }
    }

    [Theory]
    [InlineData("# must show: 0 is Leader")]
    [InlineData("# must show: 0 persists 1:no-op\n# must show: 0 is Leader\n# must never show: 0 has chosen 2")]
    public void Fault_of_a_transcript_that_shows_its_point_is_null(string header) =>
        Assert.Null(Transcript.Fault(SingleVoter(header)));

    [Theory]
    [InlineData("# Says nothing of its point.")]
    [InlineData("# must show: ")]
    [InlineData("# must show: 0 has chosen 2")]
    [InlineData("# must show: tick 0 1")]
    [InlineData("# must show: 0 is Leader\n# must show: 0 persists 1:no-op")]
    [InlineData("# must show: 0 is Leader\n# must never show: 0 has chosen 1")]
    public void Fault_of_a_transcript_that_misses_its_point_is_told(string header) =>
        Assert.NotNull(Transcript.Fault(SingleVoter(header)));

    private static string SingleVoter(string header) =>
        Transcript.Replay($"{header}\ncluster 1\n----\n\ntick 0 1\n----\n");

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
