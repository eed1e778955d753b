using KvCloud.Client;

namespace KvCloud.WebConsole.Data;

/// <summary>One row of a listing: a key with its value, or a prefix under which there are more keys.</summary>
public sealed record KeyRow(byte[] Key, bool IsPrefix, byte[] Value, long Version)
{
    public string Name => EscapedText.Escape(Key);
}
