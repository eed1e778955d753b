using System.Text;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace KvCloud.Cli;

/// <summary>
/// Input and output of `kv`: results go to standard output, messages for people to standard error. Markup is only used
/// on a terminal.
/// </summary>
internal sealed class KvConsole
{
    /// <summary>Wide enough that no table of ours is folded where nobody says how wide a line may be.</summary>
    private const int PlainWidth = 240;

    private KvConsole(Stream input, Stream output, TextWriter error, bool isOutputTerminal, bool isErrorTerminal)
    {
        Input = input;
        Output = output;
        Error = TextWriter.Synchronized(error);
        IsOutputTerminal = isOutputTerminal;
        IsErrorTerminal = isErrorTerminal;
        Out = new StreamWriter(output, new UTF8Encoding(false), leaveOpen: true) { NewLine = "\n" };
    }

    public Stream Input { get; }

    /// <summary>For bytes; flush <see cref="Out"/> before writing here.</summary>
    public Stream Output { get; }

    /// <summary>For text.</summary>
    public TextWriter Out { get; }

    /// <summary>Synchronized, so that lines written concurrently by transfers and workers stay whole.</summary>
    public TextWriter Error { get; }

    public bool IsOutputTerminal { get; }

    public bool IsErrorTerminal { get; }

    public static KvConsole ForProcess() => new(
        Console.OpenStandardInput(),
        Console.OpenStandardOutput(),
        Console.Error,
        !Console.IsOutputRedirected,
        !Console.IsErrorRedirected);

    /// <summary>Draws a table or the like: in colour on a terminal, else as plain text of a fixed width.</summary>
    public void Draw(IRenderable drawn)
    {
        Out.Flush();
        if (IsOutputTerminal)
        {
            AnsiConsole.Write(drawn);
            return;
        }

        IAnsiConsole plain = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(Out),
        });
        plain.Profile.Width = PlainWidth;
        plain.Write(drawn);
    }

    public static KvConsole ForStreams(Stream input, Stream output, TextWriter error) =>
        new(input, output, error, isOutputTerminal: false, isErrorTerminal: false);

    public void WriteError(string message) => Error.WriteLine($"kv: {message}");
}
