namespace KvCloud.Node.Operations;

/// <summary>
/// A newer version of this program wrote the data. The replica stops rather than guess: if it skipped what it cannot
/// read, it would diverge from replicas that know the format.
/// </summary>
internal sealed class UnknownFormatException(string what, int found, int known)
    : Exception($"This program knows {what} format {known}, but found format {found}: upgrade this replica.")
{
    /// <summary>Of a record whose first byte is its format.</summary>
    public static void ThrowIfNewer(string what, ReadOnlySpan<byte> record, byte known)
    {
        if (record.Length > 0 && record[0] > known)
        {
            throw new UnknownFormatException(what, record[0], known);
        }
    }
}
