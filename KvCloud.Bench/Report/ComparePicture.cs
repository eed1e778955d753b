using KvCloud.Bench.Compare;
using ScottPlot;
using ScottPlot.Plottables;

namespace KvCloud.Bench.Report;

/// <summary>Draws throughput and p99 of puts over the number of clients, for both systems, as a PNG.</summary>
internal static class ComparePicture
{
    private const int WidthPixels = 1200;
    private const int HeightPixels = 520;

    public static void Save(string path, IReadOnlyDictionary<string, CompareFigure> figures)
    {
        var points = figures
            .Where(figure => figure.Key.StartsWith("put_", StringComparison.Ordinal))
            .Select(figure => (Clients: int.Parse(figure.Key.AsSpan(4), provider: null), Figure: figure.Value))
            .OrderBy(point => point.Clients)
            .ToList();
        var picture = new Multiplot();
        picture.AddPlots(2);
        picture.Layout = new ScottPlot.MultiplotLayouts.Columns();
        Draw(picture.GetPlot(0), "puts per second", points, figure => figure.Kvcloud, figure => figure.Etcd);
        Draw(picture.GetPlot(1), "p99 of a put, ms", points, figure => figure.P99MsKvcloud, figure => figure.P99MsEtcd);
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        picture.SavePng(path, WidthPixels, HeightPixels);
    }

    private static void Draw(
        Plot plot,
        string title,
        List<(int Clients, CompareFigure Figure)> points,
        Func<CompareFigure, double?> kvcloud,
        Func<CompareFigure, double?> etcd)
    {
        AddLine(plot, "KvCloud", points, kvcloud, Colors.C0);
        AddLine(plot, "etcd", points, etcd, Colors.C1);
        plot.Title(title);
        plot.XLabel("clients");
        plot.Axes.Bottom.TickGenerator = new ScottPlot.TickGenerators.NumericManual(
            [.. points.Select(point => Math.Log10(point.Clients))],
            [.. points.Select(point => point.Clients.ToString(System.Globalization.CultureInfo.InvariantCulture))]);
        plot.Axes.AutoScale();
        plot.Axes.SetLimitsY(0, plot.Axes.GetLimits().Top);
        plot.ShowLegend(Alignment.UpperLeft);
    }

    private static void AddLine(
        Plot plot,
        string name,
        List<(int Clients, CompareFigure Figure)> points,
        Func<CompareFigure, double?> value,
        Color color)
    {
        var known = points.Where(point => value(point.Figure) is not null).ToList();
        if (known.Count == 0)
        {
            return;
        }

        // A logarithmic axis shows 1 and 1,000 clients on one chart.
        Scatter line = plot.Add.Scatter(
            known.Select(point => Math.Log10(point.Clients))
                .ToArray(), known.Select(point => value(point.Figure)!.Value).ToArray());
        line.LegendText = name;
        line.Color = color;
        line.LineWidth = 2;
        line.MarkerSize = 7;
    }
}
