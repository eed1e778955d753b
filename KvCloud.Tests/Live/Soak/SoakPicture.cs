using ScottPlot;
using ScottPlot.Plottables;

namespace KvCloud.Tests.Live.Soak;

/// <summary>Plots the resources of each process and the latencies over time, as a PNG.</summary>
internal static class SoakPicture
{
    private const int Columns = 2;
    private const int WidthPixels = 1600;
    private const int HeightOfRow = 330;
    private const double Megabyte = 1024 * 1024;

    public static void Save(string path, SoakSampler sampler)
    {
        (string Title, Action<Plot> Draw)[] plots =
        [
            ("resident memory, MB", plot => OfProcesses(plot, sampler, sample => sample.ResidentBytes / Megabyte)),
            ("handles", plot => OfProcesses(plot, sampler, sample => sample.Handles)),
            ("threads", plot => OfProcesses(plot, sampler, sample => sample.Threads)),
            ("log/, MB", plot => OfReplicas(plot, sampler, sample => sample.LogBytes / Megabyte)),
            ("data/, MB", plot => OfReplicas(plot, sampler, sample => sample.DataBytes / Megabyte)),
            ("latency, ms (logarithmic)", plot => OfCalls(plot, sampler)),
        ];
        var picture = new Multiplot();
        picture.AddPlots(plots.Length);
        int rows = (plots.Length + Columns - 1) / Columns;
        picture.Layout = new ScottPlot.MultiplotLayouts.Grid(rows, Columns);
        for (int i = 0; i < plots.Length; i++)
        {
            Plot plot = picture.GetPlot(i);
            plots[i].Draw(plot);
            plot.Title(plots[i].Title);
            plot.XLabel("minutes");
            plot.Axes.AutoScale();
            plot.Axes.SetLimitsX(0, plot.Axes.GetLimits().Right);
            if (i < plots.Length - 1)
            {
                plot.Axes.SetLimitsY(0, plot.Axes.GetLimits().Top);
            }
        }

        picture.SavePng(path, WidthPixels, rows * HeightOfRow);
    }

    private static void OfProcesses(Plot plot, SoakSampler sampler, Func<NodeSample, double> value)
    {
        foreach (IGrouping<int, NodeSample> node in sampler.Nodes.GroupBy(sample => sample.Node))
        {
            AddDots(plot, node, value);
        }
    }

    private static void OfReplicas(Plot plot, SoakSampler sampler, Func<NodeSample, double> value)
    {
        foreach (IGrouping<int, NodeSample> node in sampler.Nodes
            .Where(sample => sample.Node != NodeSample.Client).GroupBy(sample => sample.Node))
        {
            AddDots(plot, node, value);
        }
    }

    /// <summary>
    /// Dots, because a line would cross the times at which a replica is down. The client is black.
    /// </summary>
    private static void AddDots(Plot plot, IGrouping<int, NodeSample> node, Func<NodeSample, double> value)
    {
        Color color = node.Key == NodeSample.Client
            ? Colors.Black
            : plot.Add.Palette.GetColor(node.Key % plot.Add.Palette.Count());
        Scatter dots = plot.Add.ScatterPoints(
            node.Select(sample => sample.Time.TotalMinutes).ToArray(), node.Select(value).ToArray(), color);
        dots.MarkerSize = 3;
    }

    private static void OfCalls(Plot plot, SoakSampler sampler)
    {
        AddLine(plot, "write p50", sampler, sample => sample.Writes.P50, Colors.C0);
        AddLine(plot, "write p99", sampler, sample => sample.Writes.P99, Colors.C1);
        AddLine(plot, "read p50", sampler, sample => sample.Reads.P50, Colors.C2);
        AddLine(plot, "read p99", sampler, sample => sample.Reads.P99, Colors.C3);
        double[] powers = [.. Enumerable.Range(-1, 6).Select(power => (double)power)];
        plot.Axes.Left.TickGenerator = new ScottPlot.TickGenerators.NumericManual(
            powers, [.. powers.Select(power => Math.Pow(10, power).ToString(
                System.Globalization.CultureInfo.InvariantCulture))]);
        plot.ShowLegend(Alignment.UpperRight);
    }

    private static void AddLine(
        Plot plot, string name, SoakSampler sampler, Func<CallSample, TimeSpan> value, Color color)
    {
        var known = sampler.Calls.Where(sample => value(sample) > TimeSpan.Zero).ToList();
        if (known.Count == 0)
        {
            return;
        }

        Scatter line = plot.Add.Scatter(
            known.Select(sample => sample.Time.TotalMinutes).ToArray(),
            known.Select(sample => Math.Log10(value(sample).TotalMilliseconds)).ToArray());
        line.LegendText = name;
        line.Color = color;
        line.MarkerSize = 0;
    }
}
