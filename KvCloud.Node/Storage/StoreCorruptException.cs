namespace KvCloud.Node.Storage;

/// <summary>
/// What the store holds is not what was written, or was written by a newer version of this program. Nothing that was
/// read is of use, and no other read of this store can be trusted from here on.
/// </summary>
/// <param name="file">The file that is damaged, where that is known.</param>
/// <param name="table">The table that was read, where that is known.</param>
internal sealed class StoreCorruptException(string message, string? file = null, string? table = null)
    : Exception(message)
{
    public string? File => file;

    public string? Table => table;
}
