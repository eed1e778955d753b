namespace KvCloud.Node.Storage;

/// <summary>
/// The store does not hold what was written to it, or was written by a newer version of this program. Neither this read
/// nor any later read of the store can be trusted.
/// </summary>
/// <param name="file">The damaged file, if known.</param>
/// <param name="table">The table that was read, if known.</param>
internal sealed class StoreCorruptException(string message, string? file = null, string? table = null)
    : Exception(message)
{
    public string? File => file;

    public string? Table => table;
}
