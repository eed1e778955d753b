using System.Diagnostics.CodeAnalysis;

namespace KvCloud.WebConsole.Data;

/// <summary>A value that is being edited: the text of what the store holds, and what was made of it.</summary>
internal sealed class ValueDraft
{
    /// <summary>What the store held when it was last asked.</summary>
    public string Stored { get; private set; } = "";

    /// <summary>An emptied field gives null, which is no text.</summary>
    [AllowNull]
    public string Text { get; set => field = value ?? ""; } = "";

    public bool IsEdited => Text != Stored;

    /// <summary>
    /// Notes what the store holds now. It is shown in place of <paramref name="replaced"/>; any other text was typed
    /// since, and stays as an edit.
    /// </summary>
    public void Rebase(string stored, string replaced)
    {
        if (Text == replaced)
        {
            Text = stored;
        }

        Stored = stored;
    }

    /// <summary>Notes what the store holds now, and keeps the text whatever it is.</summary>
    public void Rebase(string stored) => Stored = stored;
}
