namespace KvCloud.Cli.Transfer;

/// <summary>One entry on its way in, or to be compared.</summary>
/// <param name="Name">`line 12`, or the path of the file: what messages call it.</param>
/// <param name="Key">The key.</param>
/// <param name="Value">The value; null where it is still in the file.</param>
/// <param name="File">The file that holds the value; null where the value is here.</param>
/// <param name="SizeBytes">Size of the value.</param>
/// <param name="Problem">Why this is no entry at all; null where it is one.</param>
internal sealed record TransferItem(
    string Name, byte[] Key, byte[]? Value, string? File, long SizeBytes, string? Problem = null)
{
    public static TransferItem Bad(string name, string problem) => new(name, [], null, null, 0, problem);

    public async ValueTask<byte[]> ReadValueAsync(CancellationToken cancellationToken) =>
        Value ?? await System.IO.File.ReadAllBytesAsync(File!, cancellationToken);
}
