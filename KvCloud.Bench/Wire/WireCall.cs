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

/// <summary>One call to write to the connection; the spans are valid only during the write.</summary>
internal readonly ref struct WireCall
{
    public required CallKind Kind { get; init; }

    /// <summary>The key; the first key of a range; the concatenated keys of a commit.</summary>
    public required ReadOnlySpan<byte> Keys { get; init; }

    public required int KeySizeBytes { get; init; }

    /// <summary>The value of every key written; empty for reads.</summary>
    public ReadOnlySpan<byte> Value { get; init; }

    /// <summary>The exclusive end of a range.</summary>
    public ReadOnlySpan<byte> EndKey { get; init; }

    /// <summary>Maximum number of rows of a range.</summary>
    public int Limit { get; init; }
}

/// <summary>An answer: the call's token and outcome.</summary>
internal readonly record struct WireAnswer(int Token, CallStatus Status, string? Error = null);

/// <summary>The peer violated the protocol or closed the connection, which cannot be used any more.</summary>
internal sealed class WireException(string message) : Exception(message);
