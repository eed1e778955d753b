namespace KvCloud.Cli.Transfer;

/// <summary>
/// The cluster's limits, checked here as well so that an oversized entry is reported without being read and sent.
/// </summary>
internal static class TransferLimits
{
    public const int KeySizeBytes = 16 * 1024;

    public const int ValueSizeBytes = 1024 * 1024;

    /// <summary>Why the entry exceeds a limit, or null.</summary>
    public static string? Check(TransferItem item)
    {
        if (item.Problem is { } problem)
        {
            return problem;
        }

        if (item.Key.Length == 0)
        {
            return "the key is empty";
        }

        if (item.Key.Length > KeySizeBytes)
        {
            return $"the key of {item.Key.Length} bytes exceeds the limit of {KeySizeBytes}";
        }

        return item.SizeBytes > ValueSizeBytes
            ? $"the value of {item.SizeBytes} bytes exceeds the limit of {ValueSizeBytes}"
            : null;
    }
}
