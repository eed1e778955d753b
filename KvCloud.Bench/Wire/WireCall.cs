using KvCloud.Bench.Load;

namespace KvCloud.Bench.Wire;

internal enum CallKind
{
    Set,
    GetLocal,
    GetLeader,
    GetReadIndex,
    Range,
    Commit,
}

/// <summary>One call to be put on the wire; the spans are only lent for that moment.</summary>
internal readonly ref struct WireCall
{
    public required CallKind Kind { get; init; }

    /// <summary>The key; the first key of a range; the keys of a commit, end to end.</summary>
    public required ReadOnlySpan<byte> Keys { get; init; }

    public required int KeySizeBytes { get; init; }

    /// <summary>The value of every key written; empty for reads.</summary>
    public ReadOnlySpan<byte> Value { get; init; }

    /// <summary>Where a range ends, itself excluded.</summary>
    public ReadOnlySpan<byte> EndKey { get; init; }

    /// <summary>Rows of a range.</summary>
    public int Limit { get; init; }
}

/// <summary>An answer: which call, and how it ended.</summary>
internal readonly record struct WireAnswer(int Token, CallStatus Status, string? Error = null);

/// <summary>
/// The peer sent what the protocol does not allow, or closed the conversation; the connection is of no more use.
/// </summary>
internal sealed class WireException(string message) : Exception(message);
