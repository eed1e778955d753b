using System.Text.Json;

namespace KvCloud.Node.Operations;

/// <summary>The outcome of a command or a read.</summary>
/// <remarks>
/// The numbers never change: they are part of remembered answers on disk, of the state hash, and of answers between
/// replicas (<see cref="CommandResultCodec"/>). They equal the contract's codes; only the RPC layer uses the codes 7,
/// 19, 23, 27 and 28.
/// </remarks>
internal enum KvStatus
{
    Ok = 0,

    /// <summary>The call must run on the leader, and this node is not the leader. Nothing was done.</summary>
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

    /// <summary>The version is below the retention window.</summary>
    VersionTooOld = 9,

    /// <summary>The version has not been issued yet.</summary>
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
    /// The session is unknown or its answer was forgotten. The write did not run now; whether it ran before is unknown.
    /// </summary>
    SessionExpired = 18,

    /// <summary>This replica lost contact with the leader longer ago than the read allows.</summary>
    TooStale = 20,

    /// <summary>The node is draining before it stops. Nothing was done.</summary>
    ShuttingDown = 21,

    /// <summary>
    /// This replica's data store is damaged, and answers nothing until it is replaced. Nothing was done.
    /// </summary>
    Corruption = 22,

    /// <summary>A bug in the server.</summary>
    Internal = 24,

    /// <summary>The client id and sequence were already used for a different request.</summary>
    SequenceReused = 25,

    /// <summary>The leader's disk is short of space, and no other replica took over. Nothing was done.</summary>
    NoSpace = 26,

    /// <summary>The group's feature level is below what the command needs. Nothing was done.</summary>
    FeatureNotActive = 29,

    /// <summary>Who asked does not hold the right that the text names. Nothing was done.</summary>
    PermissionDenied = 30,

    /// <summary>There is no such user, role, token or grant. Nothing was done.</summary>
    AccessNotFound = 31,

    /// <summary>There is such a user, role or token already. Nothing was done.</summary>
    AccessExists = 32,

    /// <summary>Nobody would be left who may administer the cluster. Nothing was done.</summary>
    LastAdmin = 33,
}

internal static class KvStatusExtensions
{
    /// <summary>The error's name in the contract and in traces, such as <c>NOT_LEADER</c>; null for Ok.</summary>
    public static string? ToErrorName(this KvStatus status) =>
        status == KvStatus.Ok ? null : JsonNamingPolicy.SnakeCaseUpper.ConvertName(status.ToString());
}
