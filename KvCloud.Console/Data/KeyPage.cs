namespace KvCloud.WebConsole.Data;

/// <summary>Some rows of a listing.</summary>
/// <param name="Next">Where the next page begins; null at the end.</param>
public sealed record KeyPage(IReadOnlyList<KeyRow> Rows, byte[]? Next);
