namespace KvCloud.Node.Access;

/// <summary>
/// What may be done within a column family and a key prefix. The numbers are part of records on disk.
/// </summary>
[Flags]
internal enum KvRights : byte
{
    None = 0,

    Read = 1,

    Write = 2,

    /// <summary>
    /// Holds the other two. On a whole column family it creates and drops that one; on everything it is the right to
    /// administer the cluster.
    /// </summary>
    Admin = 4,
}

internal static class KvRightsExtensions
{
    /// <summary>As people write it: <c>read, write</c>.</summary>
    public static string ToText(this KvRights rights) => string.Join(
        ", ",
        new[] { KvRights.Read, KvRights.Write, KvRights.Admin }
            .Where(right => (rights & right) != 0)
            .Select(right => right.ToString().ToLowerInvariant()));
}
