namespace KvCloud.Client;

/// <summary>What may be done within a column family and a key prefix.</summary>
[Flags]
public enum KvRights
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>To read.</summary>
    Read = 1,

    /// <summary>To write.</summary>
    Write = 2,

    /// <summary>Holds the other two; on everything it is the right to administer the cluster.</summary>
    Admin = 4,
}
