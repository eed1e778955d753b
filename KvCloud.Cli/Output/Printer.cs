using System.Globalization;
using System.Text.Json;
using Spectre.Console;

namespace KvCloud.Cli.Output;

/// <summary>
/// Prints what a command found, in the format that was asked for: a command says what its columns and its JSON are, and
/// this decides which of them appear.
/// </summary>
internal sealed class Printer(KvConsole console, OutputFormat format)
{
    public bool IsJson => format == OutputFormat.Json;

    public bool IsTable => format == OutputFormat.Table;

    /// <summary>A table: a row for each item, or a JSON object for each.</summary>
    public void Rows<T>(
        IReadOnlyList<string> headings,
        IEnumerable<T> items,
        Func<T, IEnumerable<string>> cells,
        Action<Utf8JsonWriter, T> json)
    {
        if (IsJson)
        {
            foreach (T item in items)
            {
                Json(writer => json(writer, item));
            }
        }
        else
        {
            Tables.Print(console, IsTable, headings, [.. items.Select(item => cells(item).ToArray())]);
        }
    }

    /// <summary>Named figures, a line each, or one JSON object; what is null is left out of the latter.</summary>
    public void Figures(IReadOnlyList<(string Name, object? Value)> figures)
    {
        if (IsJson)
        {
            Json(writer =>
            {
                foreach ((string name, object? value) in figures.Where(figure => figure.Value is not null))
                {
                    writer.WritePropertyName(name);
                    JsonSerializer.Serialize(writer, value);
                }
            });
            return;
        }

        Tables.PrintFigures(
            console,
            IsTable,
            [.. figures.Select(figure => (figure.Name, Text(figure.Value)))]);
    }

    /// <summary>A heading with its kind in colour, and indented lines below it: for people alone.</summary>
    public void Block(string kind, string heading, IReadOnlyList<(string Name, string Text)> lines)
    {
        var grid = new Grid();
        grid.AddColumn(new GridColumn().NoWrap().PadRight(2));
        grid.AddColumn(new GridColumn());
        grid.AddRow(new Text(kind, Tables.StyleOf(kind)), new Text(heading));
        foreach ((string name, string text) in lines)
        {
            grid.AddRow(new Text(name, new Style(decoration: Decoration.Dim)), new Text(text));
        }

        console.Draw(grid);
        console.Draw(new Text("\n"));
    }

    /// <summary>One JSON object on a line of its own.</summary>
    public void Json(Action<Utf8JsonWriter> fields) => console.Out.WriteLine(JsonLine.Write(fields));

    /// <summary>A sentence beside a table; not printed as JSON, which has its facts as fields.</summary>
    public void Sentence(string text)
    {
        if (!IsJson)
        {
            console.Out.WriteLine(text);
        }
    }

    private static string Text(object? value) => value switch
    {
        null => "-",
        double number => number.ToString("0.###", CultureInfo.InvariantCulture),
        IFormattable formattable => formattable.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };
}
