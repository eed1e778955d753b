using KvCloud.Node.Operations;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>Maps types of the contract to types of the node. The only place where the two meet.</summary>
internal static class ContractMapping
{
    /// <summary>
    /// A status this program does not know, which only an answer remembered by a newer program can hold, becomes
    /// INTERNAL.
    /// </summary>
    public static ErrorCode ToErrorCode(this KvStatus status) => status switch
    {
        KvStatus.Ok => ErrorCode.OK,
        KvStatus.NotLeader => ErrorCode.NOT_LEADER,
        KvStatus.NoLeader => ErrorCode.NO_LEADER,
        KvStatus.Overloaded => ErrorCode.OVERLOADED,
        KvStatus.OutcomeUnknown => ErrorCode.OUTCOME_UNKNOWN,
        KvStatus.Timeout => ErrorCode.TIMEOUT,
        KvStatus.InvalidArgument => ErrorCode.INVALID_ARGUMENT,
        KvStatus.Conflict => ErrorCode.CONFLICT,
        KvStatus.VersionTooOld => ErrorCode.VERSION_TOO_OLD,
        KvStatus.VersionInFuture => ErrorCode.VERSION_IN_FUTURE,
        KvStatus.InvalidOperation => ErrorCode.INVALID_OPERATION,
        KvStatus.ColumnFamilyNotFound => ErrorCode.COLUMN_FAMILY_NOT_FOUND,
        KvStatus.ColumnFamilyExists => ErrorCode.COLUMN_FAMILY_EXISTS,
        KvStatus.KeyTooLarge => ErrorCode.KEY_TOO_LARGE,
        KvStatus.ValueTooLarge => ErrorCode.VALUE_TOO_LARGE,
        KvStatus.TransactionTooLarge => ErrorCode.TRANSACTION_TOO_LARGE,
        KvStatus.TooManyOperations => ErrorCode.TOO_MANY_OPERATIONS,
        KvStatus.SessionExpired => ErrorCode.SESSION_EXPIRED,
        KvStatus.TooStale => ErrorCode.TOO_STALE,
        KvStatus.ShuttingDown => ErrorCode.SHUTTING_DOWN,
        KvStatus.Corruption => ErrorCode.CORRUPTION,
        KvStatus.Internal => ErrorCode.INTERNAL,
        KvStatus.SequenceReused => ErrorCode.SEQUENCE_REUSED,
        KvStatus.NoSpace => ErrorCode.NO_SPACE,
        KvStatus.FeatureNotActive => ErrorCode.FEATURE_NOT_ACTIVE,
        KvStatus.PermissionDenied => ErrorCode.PERMISSION_DENIED,
        KvStatus.AccessNotFound => ErrorCode.ACCESS_NOT_FOUND,
        KvStatus.AccessExists => ErrorCode.ACCESS_EXISTS,
        KvStatus.LastAdmin => ErrorCode.LAST_ADMIN,
        _ => ErrorCode.INTERNAL,
    };

    /// <summary>The level must have passed <see cref="RequestRules"/>.</summary>
    public static Routing.ReadConsistency ToRouting(this ReadConsistency level) => level switch
    {
        ReadConsistency.LOCAL => Routing.ReadConsistency.Local,
        ReadConsistency.LEADER => Routing.ReadConsistency.Leader,
        ReadConsistency.READ_INDEX => Routing.ReadConsistency.ReadIndex,
        _ => throw new ArgumentOutOfRangeException(nameof(level), level, "no consistency level of the contract"),
    };
}
