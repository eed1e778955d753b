using System.Text;
using KvCloud.Cli.Output;

namespace KvCloud.Cli;

/// <summary>
/// Where `kv` has passwords and tokens from: files, variables, or a terminal without echo. Never from arguments, which
/// everybody on the machine can list.
/// </summary>
internal static class Passwords
{
    private const int MaxFileBytes = 64 * 1024;

    /// <summary>The first line of a file; "-" is standard input.</summary>
    public static string FromFile(string path, KvConsole console)
    {
        using Stream? opened = path == "-" ? null : File.OpenRead(path);
        using var reader = new StreamReader(opened ?? console.Input, Encoding.UTF8, leaveOpen: opened is null);
        char[] buffer = new char[MaxFileBytes];
        int length = reader.ReadBlock(buffer, 0, buffer.Length);
        string text = new string(buffer, 0, length).Split('\n')[0].TrimEnd('\r');
        return text.Length > 0 ? text : throw new UsageException($"the file {path} is empty");
    }

    /// <summary>Asks on the terminal; refused where there is none.</summary>
    public static string Ask(string prompt, string otherWay)
    {
        if (Console.IsInputRedirected || Console.IsErrorRedirected)
        {
            throw new UsageException($"there is no terminal to ask for a password: use {otherWay}");
        }

        Console.Error.Write($"{prompt}: ");
        var typed = new StringBuilder();
        while (true)
        {
            ConsoleKeyInfo key = Console.ReadKey(intercept: true);
            if (key.Key == ConsoleKey.Enter)
            {
                Console.Error.WriteLine();
                return typed.ToString();
            }

            if (key.Key == ConsoleKey.Backspace)
            {
                typed.Length = Math.Max(0, typed.Length - 1);
            }
            else if (key.KeyChar != '\0')
            {
                typed.Append(key.KeyChar);
            }
        }
    }

    /// <summary>A new password: of a file, or typed twice.</summary>
    public static string AskNew(string? path, string otherWay, KvConsole console)
    {
        if (path is not null)
        {
            return FromFile(path, console);
        }

        string first = Ask("New password", otherWay);
        return Ask("The same again", otherWay) == first
            ? first
            : throw new UsageException("the two passwords differ");
    }
}
