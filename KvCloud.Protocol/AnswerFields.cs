namespace KvCloud.Protocol;

// The generated part of each class has the documentation.
#pragma warning disable CS1591

// Interfaces for fields that many answers of the contract share, so that a server fills them in one place. The
// generated classes implement them with their existing properties; the wire format does not change.

/// <summary>An answer that can say why its call was refused.</summary>
internal interface IAnswer
{
    string? Error { get; set; }

    ErrorCode Code { get; set; }
}

/// <summary>An answer that also has the code as text.</summary>
internal interface ICodeTextAnswer : IAnswer
{
    string? ErrorCode { get; set; }
}

/// <summary>An answer that can name the leader.</summary>
internal interface ILeaderAnswer : IAnswer
{
    string? LeaderEndpoint { get; set; }
}

/// <summary>The answer to a read of one key at a version.</summary>
internal interface IPointAnswer : ILeaderAnswer
{
    byte[] Value { get; set; }

    bool Found { get; set; }

    long Version { get; set; }
}

/// <summary>The answer to a read of a range.</summary>
internal interface IRangeAnswer : ILeaderAnswer
{
    List<KeyValue>? KeyValues { get; set; }

    bool Success { get; set; }

    bool HasMore { get; set; }

    long Version { get; set; }
}

public partial class GetReadVersionResponse : ILeaderAnswer;

public partial class SnapshotReadResponse : IPointAnswer;

public partial class AtomicCommitResponse : ICodeTextAnswer, ILeaderAnswer;

public partial class GetResponse : ILeaderAnswer;

public partial class SetResponse : ICodeTextAnswer, ILeaderAnswer;

public partial class DeleteResponse : ICodeTextAnswer, ILeaderAnswer;

public partial class GetRangeResponse : IRangeAnswer;

public partial class SnapshotGetResponse : IPointAnswer;

public partial class SnapshotGetRangeResponse : IRangeAnswer;

public partial class AddReadConflictResponse : IAnswer;

public partial class AddReadConflictRangeResponse : IAnswer;

public partial class SetReadVersionResponse : IAnswer;

public partial class GetCommittedVersionResponse : IAnswer;

public partial class SetVersionstampedKeyResponse : ILeaderAnswer;

public partial class SetVersionstampedValueResponse : ILeaderAnswer;

public partial class FaultInjectionResponse : IAnswer;

public partial class GetClusterHealthResponse : IAnswer;

public partial class GetDatabaseStatsResponse : IAnswer;

public partial class GetNodeInfoResponse : IAnswer;

public partial class OpenSessionResponse : ILeaderAnswer;

public partial class ColumnFamilyResponse : ILeaderAnswer;

public partial class ListColumnFamiliesResponse : ILeaderAnswer;

public partial class ChangeMembersResponse : ILeaderAnswer;

public partial class OpenSnapshotResponse : IAnswer;

public partial class ReadSnapshotResponse : IAnswer;

public partial class ReadLogResponse : IAnswer;

public partial class AuthenticateResponse : IAnswer;

public partial class ChangeAccessResponse : ILeaderAnswer;

public partial class ListAccessResponse : ILeaderAnswer;
