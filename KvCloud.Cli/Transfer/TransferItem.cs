namespace KvCloud.Cli.Transfer;

/// <summary>One entry to import or to compare.</summary>
/// <param name="Name">The name in messages: `line 12`, or the path of the file.</param>
/// <param name="Key">The key.</param>
/// <param name="Value">The value; null while it is still in the file.</param>
/// <param name="File">The file that contains the value; null if the value is here.</param>
/// <param name="SizeBytes">Size of the value.</param>
/// <param name="Problem">Why the entry is invalid; null if it is valid.</param>
internal sealed record TransferItem(
    string Name, byte[] Key, byte[]? Value, string? File, long SizeBytes, string? Problem = null)
{
    public static TransferItem Bad(string name, string problem) => new(name, [], null, null, 0, problem);

    public async ValueTask<byte[]> ReadValueAsync(CancellationToken cancellationToken) =>
        Value ?? await System.IO.File.ReadAllBytesAsync(File!, cancellationToken);
}
