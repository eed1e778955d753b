namespace KvCloud.Protocol;

// The generated part of each class has the documentation.
#pragma warning disable CS1591

// Interfaces for fields that many requests of the contract share. An optional field is null here if the client did not
// send it, which the generated property alone does not show.

/// <summary>A request whose client may set a timeout.</summary>
internal interface ITimedRequest
{
    long? GivenTimeoutMs { get; }
}

/// <summary>A write that its client may identify, so that a retry runs once.</summary>
internal interface IIdentifiedRequest : ITimedRequest
{
    long? GivenClientId { get; }

    long? GivenSequence { get; }

    long? GivenAcknowledgedBelow { get; }
}

/// <summary>A read of the present whose client may choose the consistency.</summary>
internal interface IConsistentRequest
{
    ReadConsistency? GivenConsistency { get; }

    int? GivenMaxStalenessMs { get; }
}

/// <summary>A read at a version.</summary>
internal interface ISnapshotRequest : ITimedRequest
{
    long ReadVersion { get; }
}

/// <summary>A read of one key at a version.</summary>
internal interface ISnapshotPointRequest : ISnapshotRequest
{
    byte[] Key { get; }

    string? ColumnFamily { get; }
}

/// <summary>A read of a range, of the present or at a version.</summary>
internal interface IRangeRequest : ITimedRequest
{
    byte[]? BeginKey { get; }

    bool BeginOrEqual { get; }

    int BeginOffset { get; }

    byte[]? EndKey { get; }

    bool EndOrEqual { get; }

    int EndOffset { get; }

    bool ToEndOfKeyspace { get; }

    int Limit { get; }

    int? GivenLimitBytes { get; }

    string? ColumnFamily { get; }
}

/// <summary>A request that must carry the administrator's token if the node has one configured.</summary>
internal interface IAdminRequest
{
    string? AuthToken { get; }
}

public partial class SnapshotReadRequest : ISnapshotPointRequest
{
    long? ITimedRequest.GivenTimeoutMs => __isset.timeout_ms ? TimeoutMs : null;
}

public partial class AtomicCommitRequest : IIdentifiedRequest
{
    /// <summary>By the contract an absent timeout_seconds means 60, which the generated code fills in.</summary>
    long? ITimedRequest.GivenTimeoutMs =>
        __isset.timeout_ms ? TimeoutMs
        : TimeoutSeconds <= 0 ? TimeoutSeconds
        : Math.Min(TimeoutSeconds, int.MaxValue) * 1_000;

    long? IIdentifiedRequest.GivenClientId => __isset.client_id ? ClientId : null;

    long? IIdentifiedRequest.GivenSequence => __isset.sequence ? Sequence : null;

    long? IIdentifiedRequest.GivenAcknowledgedBelow => __isset.acknowledged_below ? AcknowledgedBelow : null;
}

public partial class GetRangeRequest : IRangeRequest, IConsistentRequest
{
    long? ITimedRequest.GivenTimeoutMs => __isset.timeout_ms ? TimeoutMs : null;

    ReadConsistency? IConsistentRequest.GivenConsistency => __isset.consistency ? Consistency : null;

    int? IConsistentRequest.GivenMaxStalenessMs => __isset.max_staleness_ms ? MaxStalenessMs : null;

    int? IRangeRequest.GivenLimitBytes => __isset.limit_bytes ? LimitBytes : null;
}

public partial class SnapshotGetRequest : ISnapshotPointRequest
{
    long? ITimedRequest.GivenTimeoutMs => __isset.timeout_ms ? TimeoutMs : null;
}

public partial class SnapshotGetRangeRequest : IRangeRequest, ISnapshotRequest
{
    long? ITimedRequest.GivenTimeoutMs => __isset.timeout_ms ? TimeoutMs : null;

    int? IRangeRequest.GivenLimitBytes => __isset.limit_bytes ? LimitBytes : null;
}

public partial class SetVersionstampedKeyRequest : IIdentifiedRequest
{
    long? ITimedRequest.GivenTimeoutMs => __isset.timeout_ms ? TimeoutMs : null;

    long? IIdentifiedRequest.GivenClientId => __isset.client_id ? ClientId : null;

    long? IIdentifiedRequest.GivenSequence => __isset.sequence ? Sequence : null;

    long? IIdentifiedRequest.GivenAcknowledgedBelow => __isset.acknowledged_below ? AcknowledgedBelow : null;
}

public partial class SetVersionstampedValueRequest : IIdentifiedRequest
{
    long? ITimedRequest.GivenTimeoutMs => __isset.timeout_ms ? TimeoutMs : null;

    long? IIdentifiedRequest.GivenClientId => __isset.client_id ? ClientId : null;

    long? IIdentifiedRequest.GivenSequence => __isset.sequence ? Sequence : null;

    long? IIdentifiedRequest.GivenAcknowledgedBelow => __isset.acknowledged_below ? AcknowledgedBelow : null;
}

public partial class GetClusterHealthRequest : IAdminRequest;

public partial class GetDatabaseStatsRequest : IAdminRequest;

public partial class GetNodeInfoRequest : IAdminRequest;

public partial class OpenSessionRequest : ITimedRequest
{
    long? ITimedRequest.GivenTimeoutMs => __isset.timeout_ms ? TimeoutMs : null;
}

public partial class ColumnFamilyRequest : ITimedRequest, IAdminRequest
{
    long? ITimedRequest.GivenTimeoutMs => __isset.timeout_ms ? TimeoutMs : null;
}

public partial class ListColumnFamiliesRequest : IConsistentRequest
{
    ReadConsistency? IConsistentRequest.GivenConsistency => __isset.consistency ? Consistency : null;

    int? IConsistentRequest.GivenMaxStalenessMs => null;
}

public partial class ChangeMembersRequest : ITimedRequest, IAdminRequest
{
    long? ITimedRequest.GivenTimeoutMs => __isset.timeout_ms ? TimeoutMs : null;
}

public partial class OpenSnapshotRequest : IAdminRequest;

public partial class ReadSnapshotRequest : IAdminRequest;

public partial class ReadLogRequest : IAdminRequest;

public partial class ChangeAccessRequest : ITimedRequest, IAdminRequest
{
    long? ITimedRequest.GivenTimeoutMs => __isset.timeout_ms ? TimeoutMs : null;
}

public partial class ListAccessRequest : IConsistentRequest, IAdminRequest
{
    ReadConsistency? IConsistentRequest.GivenConsistency => __isset.consistency ? Consistency : null;

    int? IConsistentRequest.GivenMaxStalenessMs => null;
}
