namespace KvCloud.Cli.Shell;

/// <summary>
/// Reads a line from a terminal with the keys that shells have. No library does it: those that are kept for .NET either
/// take the whole screen or do not run beside the version of Spectre.Console that draws the tables.
/// </summary>
/// <param name="prompt">What stands before the line.</param>
/// <param name="history">The lines before.</param>
/// <param name="complete">What the word at a place of a line can become.</param>
internal sealed class LineEditor(
    string prompt, LineHistory history, Func<string, int, IReadOnlyList<string>> complete)
{
    private const string EraseToEndOfLine = "\e[K";
    private const int ShownCandidates = 60;

    private readonly LineBuffer _line = new();

    /// <summary>A line without its end; null at the end of the input (Ctrl-D); empty after Ctrl-C.</summary>
    public string? ReadLine()
    {
        bool before = Console.TreatControlCAsInput;
        Console.TreatControlCAsInput = true;
        try
        {
            _line.Set("");
            while (true)
            {
                Draw();
                ConsoleKeyInfo key = Console.ReadKey(intercept: true);
                if (key.Key == ConsoleKey.Enter)
                {
                    Finish("");
                    history.Add(_line.Text);
                    return _line.Text;
                }

                if (IsControl(key, ConsoleKey.C))
                {
                    Finish("^C");
                    return "";
                }

                if (IsControl(key, ConsoleKey.D) && _line.Text.Length == 0)
                {
                    Finish("");
                    return null;
                }

                Handle(key);
            }
        }
        finally
        {
            Console.TreatControlCAsInput = before;
        }
    }

    private static bool IsControl(ConsoleKeyInfo key, ConsoleKey letter) =>
        key.Key == letter && key.Modifiers == ConsoleModifiers.Control;

    private void Handle(ConsoleKeyInfo key)
    {
        if (key.Modifiers == ConsoleModifiers.Control)
        {
            HandleControl(key.Key);
            return;
        }

        switch (key.Key)
        {
            case ConsoleKey.Backspace:
                _line.Backspace();
                break;
            case ConsoleKey.Delete:
                _line.Delete();
                break;
            case ConsoleKey.LeftArrow:
                _line.Left();
                break;
            case ConsoleKey.RightArrow:
                _line.Right();
                break;
            case ConsoleKey.Home:
                _line.Home();
                break;
            case ConsoleKey.End:
                _line.End();
                break;
            case ConsoleKey.UpArrow:
                _line.Set(history.Previous(_line.Text));
                break;
            case ConsoleKey.DownArrow:
                _line.Set(history.Next(_line.Text));
                break;
            case ConsoleKey.Tab:
                Complete();
                break;
            default:
                if (!char.IsControl(key.KeyChar))
                {
                    _line.Insert(key.KeyChar.ToString());
                }

                break;
        }
    }

    private void HandleControl(ConsoleKey key)
    {
        switch (key)
        {
            case ConsoleKey.A:
                _line.Home();
                break;
            case ConsoleKey.E:
                _line.End();
                break;
            case ConsoleKey.B:
                _line.Left();
                break;
            case ConsoleKey.F:
                _line.Right();
                break;
            case ConsoleKey.D:
                _line.Delete();
                break;
            case ConsoleKey.H:
                _line.Backspace();
                break;
            case ConsoleKey.K:
                _line.DeleteToEnd();
                break;
            case ConsoleKey.U:
                _line.DeleteToBegin();
                break;
            case ConsoleKey.W:
                _line.DeleteWord();
                break;
            case ConsoleKey.P:
                _line.Set(history.Previous(_line.Text));
                break;
            case ConsoleKey.N:
                _line.Set(history.Next(_line.Text));
                break;
            case ConsoleKey.L:
                Console.Clear();
                break;
            case ConsoleKey.LeftArrow:
                _line.WordLeft();
                break;
            case ConsoleKey.RightArrow:
                _line.WordRight();
                break;
        }
    }

    /// <summary>One candidate is taken; of several what they have in common, and then they are listed.</summary>
    private void Complete()
    {
        string word = _line.Word();
        IReadOnlyList<string> candidates =
        [
            .. complete(_line.Text, _line.Cursor)
                .Where(candidate => candidate.StartsWith(word, StringComparison.Ordinal))
                .Distinct()
                .Order(StringComparer.Ordinal),
        ];
        if (candidates.Count == 1)
        {
            _line.ReplaceWord(candidates[0] + " ");
            return;
        }

        string common = candidates.Count == 0
            ? word
            : candidates.Aggregate((a, b) => a[..a.AsSpan().CommonPrefixLength(b)]);
        if (common.Length > word.Length)
        {
            _line.ReplaceWord(common);
        }
        else if (candidates.Count > 0)
        {
            Finish("");
            Console.Write(string.Join("  ", candidates.Take(ShownCandidates)) + "\r\n");
        }
    }

    /// <summary>The line scrolls sideways where it is longer than the terminal is wide.</summary>
    private void Draw()
    {
        int room = Math.Max(1, Width() - prompt.Length - 1);
        int from = Math.Max(0, _line.Cursor - room);
        string shown = _line.Text.Substring(from, Math.Min(room, _line.Text.Length - from));
        int column = prompt.Length + _line.Cursor - from;
        Console.Write($"\r{prompt}{shown}{EraseToEndOfLine}\r" + (column > 0 ? $"\e[{column}C" : ""));
    }

    private void Finish(string mark)
    {
        _line.End();
        Draw();
        Console.Write(mark + "\r\n");
    }

    private static int Width() => Console.WindowWidth > 0 ? Console.WindowWidth : 80;
}
