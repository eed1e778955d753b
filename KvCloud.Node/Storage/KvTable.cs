namespace KvCloud.Node.Storage;

/// <summary>The tables of a store, each ordered by its keys as unsigned bytes. Numbers are fixed: they index arrays.</summary>
internal enum KvTable : byte
{
    /// <summary>The applied slot with everything the state machine must remember beside the data.</summary>
    Meta = 0,

    /// <summary>The newest version of every key: one point lookup.</summary>
    Current = 1,

    /// <summary>Superseded versions, for the retention window, in the order in which they were superseded.</summary>
    History = 2,

    /// <summary>Deleted keys that the current table still holds, by the version of the batch that deleted them.</summary>
    Garbage = 3,

    /// <summary>Client sessions and their remembered answers.</summary>
    Sessions = 4,
}
