using System.Globalization;
using System.Text.Json;
using KvCloud.Bench.Report;
using KvCloud.Protocol;

namespace KvCloud.Tests.Live.Lifecycle;

/// <summary>The result of a <see cref="LifecycleRun"/>.</summary>
internal sealed class LifecycleReport
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
    };

    public List<LifecycleStep> Steps { get; } = [];

    public long Acknowledged { get; set; }

    public long Reads { get; set; }

    /// <summary>Acknowledged writes that some replica does not have at the end.</summary>
    public int Lost { get; set; }

    /// <summary>Lost writes, alarms, reads that went back in time, steps that failed.</summary>
    public List<string> Findings { get; } = [];

    public void Print()
    {
        Console.WriteLine();
        ResultTable.Print(
            [
                "step", "took s", "pause of writes ms", "longest write ms", "pause of reads ms", "longest read ms",
                "failed", "unknown", "what happened",
            ],
            [
                .. Steps.Select(step => new[]
                {
                    step.Name,
                    ResultTable.Number(step.Took.TotalSeconds),
                    Milliseconds(step.Writes.LongestPause),
                    Milliseconds(step.Writes.LongestCall),
                    Milliseconds(step.Reads.LongestPause),
                    Milliseconds(step.Reads.LongestCall),
                    ErrorsOf(step),
                    step.Writes.Unknown.ToString(CultureInfo.InvariantCulture),
                    step.What,
                }),
            ]);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"\nacknowledged writes {Acknowledged}, reads {Reads}, acknowledged writes lost {Lost}"));
        foreach (string finding in Findings)
        {
            Console.WriteLine($"\nFOUND {finding}");
        }
    }

    public string ToJson() => JsonSerializer.Serialize(
        new
        {
            Acknowledged,
            Reads,
            Lost,
            Findings,
            Steps = Steps.Select(step => new
            {
                step.Name,
                step.What,
                Seconds = step.Took.TotalSeconds,
                WritePauseMs = step.Writes.LongestPause.TotalMilliseconds,
                LongestWriteMs = step.Writes.LongestCall.TotalMilliseconds,
                WriteP99Ms = step.Writes.P99.TotalMilliseconds,
                ReadPauseMs = step.Reads.LongestPause.TotalMilliseconds,
                LongestReadMs = step.Reads.LongestCall.TotalMilliseconds,
                step.Writes.Count,
                WriteErrors = ByName(step.Writes),
                ReadErrors = ByName(step.Reads),
                step.Writes.Unknown,
            }),
        },
        Json);

    private static Dictionary<string, int> ByName(CallFigures figures) =>
        figures.Errors.ToDictionary(error => error.Key.ToString(), error => error.Value);

    private static string Milliseconds(TimeSpan time) => ResultTable.Number(Math.Round(time.TotalMilliseconds, 1));

    private static string ErrorsOf(LifecycleStep step)
    {
        IEnumerable<KeyValuePair<ErrorCode, int>> all = step.Writes.Errors.Concat(step.Reads.Errors);
        string text = string.Join(' ', all.GroupBy(error => error.Key)
            .Select(same => $"{same.Key}:{same.Sum(error => error.Value)}"));
        return text.Length == 0 ? "0" : text;
    }
}
