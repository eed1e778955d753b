using System.Text.Json;

namespace KvCloud.Node.Operations;

/// <summary>What became of a command or a read.</summary>
/// <remarks>
/// The numbers never change: they are in remembered answers on disk, in the state hash, and in answers between replicas
/// (<see cref="CommandResultCodec"/>). They equal those of the contract's codes; the codes 7, 19, 22 and 23 belong to
/// the RPC layer alone.
/// </remarks>
internal enum KvStatus
{
    Ok = 0,

    /// <summary>Must run on the leader, and this node is not. Nothing was done.</summary>
    NotLeader = 1,

    /// <summary>No leader is known at the moment. Nothing was done.</summary>
    NoLeader = 2,

    /// <summary>A named limit of this node is full. Nothing was done.</summary>
    Overloaded = 3,

    /// <summary>The write may or may not be applied, now or later.</summary>
    OutcomeUnknown = 4,

    /// <summary>The deadline passed before the call had any effect.</summary>
    Timeout = 5,

    /// <summary>An argument is wrong.</summary>
    InvalidArgument = 6,

    /// <summary>Something the transaction read was written after its read version. Nothing was done.</summary>
    Conflict = 8,

    /// <summary>The version lies below the retention window.</summary>
    VersionTooOld = 9,

    /// <summary>Nobody has issued that version yet.</summary>
    VersionInFuture = 10,

    /// <summary>An operation of a transaction is malformed. Nothing was done.</summary>
    InvalidOperation = 11,

    ColumnFamilyNotFound = 12,

    ColumnFamilyExists = 13,

    KeyTooLarge = 14,

    ValueTooLarge = 15,

    TransactionTooLarge = 16,

    TooManyOperations = 17,

    /// <summary>
    /// The session is unknown or its answer was forgotten: the write was not run now; whether it ran before is unknown.
    /// </summary>
    SessionExpired = 18,

    /// <summary>This replica has been out of touch with the leader for longer than the read allows.</summary>
    TooStale = 20,

    /// <summary>The node is draining before it stops. Nothing was done.</summary>
    ShuttingDown = 21,

    /// <summary>A defect of the server.</summary>
    Internal = 24,

    /// <summary>The client id and sequence were used before for a different request.</summary>
    SequenceReused = 25,
}

internal static class KvStatusExtensions
{
    /// <summary>
    /// The name of an error as the contract and traces have it, such as <c>NOT_LEADER</c>; null for Ok.
    /// </summary>
    public static string? ToErrorName(this KvStatus status) =>
        status == KvStatus.Ok ? null : JsonNamingPolicy.SnakeCaseUpper.ConvertName(status.ToString());
}
