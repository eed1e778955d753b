using Spectre.Console;

namespace KvCloud.Cli.Output;

/// <summary>Prints a table: drawn on a terminal, tab-separated otherwise.</summary>
internal static class Tables
{
    public static void Print(KvConsole console, IReadOnlyList<string> headings, IReadOnlyList<string[]> rows)
    {
        if (!console.IsOutputTerminal)
        {
            console.Out.WriteLine(string.Join('\t', headings));
            foreach (string[] row in rows)
            {
                console.Out.WriteLine(string.Join('\t', row));
            }

            return;
        }

        Table table = new Table().Border(TableBorder.Rounded);
        foreach (string heading in headings)
        {
            table.AddColumn(new TableColumn(Markup.Escape(heading)));
        }

        foreach (string[] row in rows)
        {
            table.AddRow(row.Select(cell => new Markup(Markup.Escape(cell), StyleOf(cell))));
        }

        console.Out.Flush();
        AnsiConsole.Write(table);
    }

    private static Style StyleOf(string cell) => cell switch
    {
        "healthy" => new Style(Color.Green),
        "degraded" or "unknown" or "candidate" => new Style(Color.Yellow),
        "unreachable" or "unhealthy" => new Style(Color.Red),
        "leader" => new Style(decoration: Decoration.Bold),
        _ => Style.Plain,
    };
}
