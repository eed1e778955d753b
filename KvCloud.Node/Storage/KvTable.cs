namespace KvCloud.Node.Storage;

/// <summary>
/// The plain tables of a store, besides the versions table, each ordered by its keys as unsigned bytes. The numbers are
/// fixed: they index arrays.
/// </summary>
internal enum KvTable : byte
{
    /// <summary>The applied slot, and the state machine's state other than data.</summary>
    Meta = 0,

    /// <summary>Deleted keys whose tombstones still exist, by the version of the batch that deleted them.</summary>
    Garbage = 1,

    /// <summary>Client sessions and their remembered answers.</summary>
    Sessions = 2,
}
