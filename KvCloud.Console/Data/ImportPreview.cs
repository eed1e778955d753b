namespace KvCloud.WebConsole.Data;

/// <summary>What an import would do.</summary>
/// <param name="Problems">Lines that cannot be imported, and why.</param>
public sealed record ImportPreview(IReadOnlyList<ImportRow> Rows, IReadOnlyList<string> Problems)
{
    public int New => Rows.Count(row => row.IsNew);

    public int Same => Rows.Count(row => row.IsSame);

    public int Changed => Rows.Count - New - Same;
}
