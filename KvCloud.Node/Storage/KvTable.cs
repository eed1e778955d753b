namespace KvCloud.Node.Storage;

/// <summary>
/// The plain tables of a store beside that of versions, each ordered by its keys as unsigned bytes. Numbers are fixed:
/// they index arrays.
/// </summary>
internal enum KvTable : byte
{
    /// <summary>The applied slot with everything the state machine must remember beside the data.</summary>
    Meta = 0,

    /// <summary>
    /// Deleted keys that still have a record to say so, by the version of the batch that deleted them.
    /// </summary>
    Garbage = 1,

    /// <summary>Client sessions and their remembered answers.</summary>
    Sessions = 2,
}
