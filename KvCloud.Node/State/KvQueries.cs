using KvCloud.Node.Operations;


namespace KvCloud.Node.State;

/// <summary>The result of a point read. <see cref="Value"/> is null when the key does not exist.</summary>
internal readonly record struct GetResult(KvStatus Code, byte[]? Value, CommitVersion Version, string? Message = null);

/// <summary>The bounds of a range read as in the contract (including KeySelector-like offsets).</summary>
internal readonly record struct RangeQuery(
    ReadOnlyMemory<byte> Begin,
    bool BeginOrEqual,
    int BeginOffset,
    ReadOnlyMemory<byte>? End,
    bool EndOrEqual,
    int EndOffset,
    int Limit,
    int LimitBytes);

internal readonly record struct RangeRow(byte[] Key, byte[] Value, CommitVersion Version);

/// <summary>Rows in key order; <see cref="ReadAt"/> is the version that was read.</summary>
internal sealed record RangeResult(
    KvStatus Code, IReadOnlyList<RangeRow> Rows, bool HasMore, CommitVersion ReadAt, string? Message = null);
