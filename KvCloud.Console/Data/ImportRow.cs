namespace KvCloud.WebConsole.Data;

/// <summary>One line of a file to import, beside what the key held when the preview was made.</summary>
/// <param name="Line">From one.</param>
/// <param name="Held">Null: the key did not exist.</param>
/// <param name="ReadVersion">Version of <paramref name="Held"/>; null: the key did not exist.</param>
public sealed record ImportRow(int Line, byte[] Key, byte[] Value, byte[]? Held, long? ReadVersion)
{
    public bool IsNew => Held is null;

    public bool IsSame => Held is not null && Held.AsSpan().SequenceEqual(Value);
}
