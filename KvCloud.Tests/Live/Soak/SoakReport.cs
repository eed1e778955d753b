using System.Globalization;
using KvCloud.Bench.Report;

namespace KvCloud.Tests.Live.Soak;

/// <summary>The result of a <see cref="SoakRun"/>.</summary>
internal sealed class SoakReport
{
    public SortedDictionary<string, int> Faults { get; } = new(StringComparer.Ordinal);

    public long Acknowledged { get; set; }

    public long Reads { get; set; }

    /// <summary>Acknowledged writes that some replica does not have at the end.</summary>
    public int Lost { get; set; }

    public int Unknown { get; set; }

    public int Snapshots { get; set; }

    public TimeSpan LongestPauseOfWrites { get; set; }

    public List<(SoakMeasure Measure, Trend Trend)> Trends { get; } = [];

    /// <summary>Violations: lost writes, alarms, reads that went back in time.</summary>
    public List<string> Findings { get; } = [];

    /// <summary>The measures that grew by more than allowed.</summary>
    public IEnumerable<string> Growing => Trends
        .Where(item => item.Trend.Rises(item.Measure.Share, item.Measure.Least))
        .Select(item => string.Create(
            CultureInfo.InvariantCulture,
            $"{item.Measure.Name} grows: {item.Trend.First:0.#} at first, {item.Trend.Last:0.#} at last"));

    public void Print()
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"""

            acknowledged writes  {Acknowledged}, of unknown outcome {Unknown}, lost {Lost}
            reads                {Reads}
            longest pause        {LongestPauseOfWrites.TotalMilliseconds:0} ms between two acknowledged writes
            snapshots in place   {Snapshots}
            faults               {string.Join(", ", Faults.Select(fault => $"{fault.Key} {fault.Value}"))}

            """));
        ResultTable.Print(
            ["after the warm-up", "first third", "last third", "slope per hour", "verdict"],
            [
                .. Trends.Select(item => new[]
                {
                    item.Measure.Name,
                    ResultTable.Number(item.Trend.First),
                    ResultTable.Number(item.Trend.Last),
                    item.Trend.SlopePerHour.ToString("0.0", CultureInfo.InvariantCulture),
                    item.Trend.Rises(item.Measure.Share, item.Measure.Least) ? "GROWS" : "steady",
                }),
            ]);
        foreach (string finding in Findings.Concat(Growing))
        {
            Console.WriteLine($"\nFOUND {finding}");
        }
    }
}
