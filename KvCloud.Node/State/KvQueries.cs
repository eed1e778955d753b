using KvCloud.Node.Operations;


namespace KvCloud.Node.State;

/// <summary>What a point read found. <see cref="Value"/> is null where there is no such key.</summary>
internal readonly record struct GetResult(KvStatus Code, byte[]? Value, CommitVersion Version, string? Message = null);

/// <summary>The bounds of a range read, as the contract has them (KeySelector-like offsets included).</summary>
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

/// <summary>Rows in key order; <see cref="ReadAt"/> is the moment that was read.</summary>
internal sealed record RangeResult(
    KvStatus Code, IReadOnlyList<RangeRow> Rows, bool HasMore, CommitVersion ReadAt, string? Message = null);
