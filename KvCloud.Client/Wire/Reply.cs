using KvCloud.Protocol;

namespace KvCloud.Client.Wire;

/// <summary>The outcome of one attempt of a call, as far as its connection can tell.</summary>
internal enum ReplyStatus : byte
{
    /// <summary>The server answered; <see cref="Reply.Code"/> says what.</summary>
    Answered,

    /// <summary>The call never left this process.</summary>
    NotSent,

    /// <summary>The connection has no room for another call; the call never left this process.</summary>
    Full,

    /// <summary>The connection broke after the call may have left: the server may have run it.</summary>
    Lost,

    /// <summary>No answer within the attempt's time: the server may have run it, or may still run it.</summary>
    TimedOut,
}

/// <summary>The answer of one attempt, flattened: which fields are meaningful depends on the method's layout.</summary>
internal readonly struct Reply
{
    public ReplyStatus Status { get; init; }

    public ErrorCode Code { get; init; }

    /// <summary>`found`, or `has_more` of a range.</summary>
    public bool Flag { get; init; }

    /// <summary>The server's error text, or why the attempt failed.</summary>
    public string? Message { get; init; }

    public string? LeaderEndpoint { get; init; }

    /// <summary>Version, committed version, read version or client id.</summary>
    public long Number { get; init; }

    /// <summary>The value; or the whole struct for <see cref="ReplyLayout.Struct"/>.</summary>
    public byte[]? Bytes { get; init; }

    /// <summary>Rows (<see cref="KvEntry"/>[]) or generated buffers (byte[][]).</summary>
    public object? Rows { get; init; }

    public static Reply Failed(ReplyStatus status, string message) => new() { Status = status, Message = message };
}
