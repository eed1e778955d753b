using Spectre.Console;

namespace KvCloud.Cli.Output;

/// <summary>Tables: drawn, or with tabs between the columns.</summary>
internal static class Tables
{
    public static void Print(
        KvConsole console, bool isDrawn, IReadOnlyList<string> headings, IReadOnlyList<string[]> rows)
    {
        if (!isDrawn)
        {
            console.Out.WriteLine(string.Join('\t', headings));
            foreach (string[] row in rows)
            {
                console.Out.WriteLine(string.Join('\t', row));
            }

            return;
        }

        Draw(console, headings, rows);
    }

    /// <summary>A name and a figure a line.</summary>
    public static void PrintFigures(
        KvConsole console, bool isDrawn, IReadOnlyList<(string Name, string Text)> figures)
    {
        if (isDrawn)
        {
            Draw(console, ["figure", "value"], [.. figures.Select(figure => new[] { figure.Name, figure.Text })]);
            return;
        }

        foreach ((string name, string text) in figures)
        {
            console.Out.WriteLine($"{name}\t{text}");
        }
    }

    private static void Draw(KvConsole console, IReadOnlyList<string> headings, IReadOnlyList<string[]> rows)
    {
        Table table = new Table().Border(TableBorder.Rounded);
        foreach (string heading in headings)
        {
            table.AddColumn(new TableColumn(Markup.Escape(heading)));
        }

        foreach (string[] row in rows)
        {
            table.AddRow(row.Select(cell => new Markup(Markup.Escape(cell), StyleOf(cell))));
        }

        console.Draw(table);
    }

    public static Style StyleOf(string cell) => cell switch
    {
        "healthy" or "ok" => new Style(Color.Green),
        "degraded" or "unknown" or "candidate" or "warning" => new Style(Color.Yellow),
        "unreachable" or "unhealthy" or "error" => new Style(Color.Red),
        "leader" => new Style(decoration: Decoration.Bold),
        _ => Style.Plain,
    };
}
