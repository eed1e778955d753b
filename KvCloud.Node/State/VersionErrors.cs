using KvCloud.Node.Operations;


namespace KvCloud.Node.State;

/// <summary>Error texts about versions and column families, the same for reads and commits.</summary>
internal static class VersionErrors
{
    public static CommandResult TooOld(string what, CommitVersion version, CommitVersion oldestReadable) =>
        new(KvStatus.VersionTooOld, Message: TooOldText(what, version, oldestReadable));

    public static string TooOldText(string what, CommitVersion version, CommitVersion oldestReadable) =>
        $"{what} {version} is below the retention window, which starts at {oldestReadable}";

    public static string InFutureText(string what, CommitVersion version, CommitVersion newest) =>
        $"{what} {version} has not been committed; the newest version is {newest}";

    public static string ColumnFamilyNotFoundText(string? name) =>
        $"Column family '{(string.IsNullOrEmpty(name) ? Keyspace.DefaultName : name)}' not found";
}
