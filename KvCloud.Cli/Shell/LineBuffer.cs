namespace KvCloud.Cli.Shell;

/// <summary>A line that is being typed, and the cursor in it. Knows no terminal.</summary>
internal sealed class LineBuffer
{
    public string Text { get; private set; } = "";

    /// <summary>Before which character the cursor stands; the length of the text at its end.</summary>
    public int Cursor { get; private set; }

    public void Set(string text)
    {
        Text = text;
        Cursor = text.Length;
    }

    public void Insert(string typed)
    {
        Text = Text.Insert(Cursor, typed);
        Cursor += typed.Length;
    }

    public void Left() => Cursor = Math.Max(0, Cursor - 1);

    public void Right() => Cursor = Math.Min(Text.Length, Cursor + 1);

    public void Home() => Cursor = 0;

    public void End() => Cursor = Text.Length;

    public void WordLeft() => Cursor = WordBegin();

    public void WordRight()
    {
        while (Cursor < Text.Length && Text[Cursor] == ' ')
        {
            Cursor++;
        }

        while (Cursor < Text.Length && Text[Cursor] != ' ')
        {
            Cursor++;
        }
    }

    public void Backspace() => RemoveBack(Math.Max(0, Cursor - 1));

    public void Delete()
    {
        if (Cursor < Text.Length)
        {
            Text = Text.Remove(Cursor, 1);
        }
    }

    /// <summary>Removes the word before the cursor.</summary>
    public void DeleteWord() => RemoveBack(WordBegin());

    public void DeleteToBegin() => RemoveBack(0);

    public void DeleteToEnd() => Text = Text[..Cursor];

    /// <summary>Puts another word in the place of the one that ends at the cursor.</summary>
    public void ReplaceWord(string word)
    {
        RemoveBack(WordStart());
        Insert(word);
    }

    /// <summary>What has been typed of the word at the cursor.</summary>
    public string Word() => Text[WordStart()..Cursor];

    private void RemoveBack(int to)
    {
        Text = Text.Remove(to, Cursor - to);
        Cursor = to;
    }

    private int WordStart()
    {
        int at = Cursor;
        while (at > 0 && Text[at - 1] != ' ')
        {
            at--;
        }

        return at;
    }

    /// <summary>Where the word before the cursor begins, over the spaces between.</summary>
    private int WordBegin()
    {
        int at = Cursor;
        while (at > 0 && Text[at - 1] == ' ')
        {
            at--;
        }

        while (at > 0 && Text[at - 1] != ' ')
        {
            at--;
        }

        return at;
    }
}
