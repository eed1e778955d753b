using System.Text;

namespace KvCloud.Cli.Shell;

/// <summary>
/// The words of a line, as a shell of POSIX quotes them: '…' as it is, "…" and outside with \ before a character.
/// </summary>
internal static class ShellWords
{
    /// <exception cref="UsageException">A quotation mark has no end.</exception>
    public static IReadOnlyList<string> Of(string line)
    {
        var words = new List<string>();
        StringBuilder? word = null;
        char quote = '\0';
        for (int i = 0; i < line.Length; i++)
        {
            char c = line[i];
            if (c == '\\' && quote != '\'' && i + 1 < line.Length && IsEscapable(line[i + 1], quote))
            {
                (word ??= new StringBuilder()).Append(line[++i]);
            }
            else if (quote == '\0' && (c == '\'' || c == '"'))
            {
                quote = c;
                word ??= new StringBuilder();
            }
            else if (quote != '\0' && c == quote)
            {
                quote = '\0';
            }
            else if (quote == '\0' && char.IsWhiteSpace(c))
            {
                Take(words, ref word);
            }
            else
            {
                (word ??= new StringBuilder()).Append(c);
            }
        }

        if (quote != '\0')
        {
            throw new UsageException($"the quotation mark {quote} has no end");
        }

        Take(words, ref word);
        return words;
    }

    /// <summary>Within double quotes a backslash before anything else stays.</summary>
    private static bool IsEscapable(char c, char quote) => quote != '"' || c is '"' or '\\';

    private static void Take(List<string> words, ref StringBuilder? word)
    {
        if (word is not null)
        {
            words.Add(word.ToString());
            word = null;
        }
    }
}
