using System.Globalization;

namespace KvCloud.Tests.Live.Linearizability;

internal enum OperationKind
{
    Read = 0,
    Write = 1,

    /// <summary>A transaction that read the value, and wrote another if nobody had written meanwhile.</summary>
    CompareAndSet = 2,
}

/// <summary>
/// What one caller did to one key, and when, by one clock. A write that certainly had no effect is no operation; a read
/// without an answer neither.
/// </summary>
/// <param name="Key">The key.</param>
/// <param name="Kind">What it did.</param>
/// <param name="Expected">What a read saw, or what a compare-and-set found; <see cref="Absent"/> for no value.</param>
/// <param name="Written">What a write or a compare-and-set left; <see cref="Absent"/> for a delete.</param>
/// <param name="Start">Just before the call.</param>
/// <param name="End">Just after the answer; <see cref="Never"/> when the outcome is unknown.</param>
/// <param name="Caller">For people.</param>
internal sealed record RecordedOperation(
    string Key, OperationKind Kind, long Expected, long Written, long Start, long End, string Caller = "")
{
    public const long Absent = 0;
    public const long Never = long.MaxValue;

    public bool IsUnknown => End == Never;

    /// <summary>What the caller has seen of the value before it; null when it looked at nothing.</summary>
    public long? Seen => Kind == OperationKind.Write ? null : Expected;

    public static RecordedOperation Read(string key, long value, long start, long end, string caller = "") =>
        new(key, OperationKind.Read, value, Absent, start, end, caller);

    public static RecordedOperation Write(string key, long value, long start, long end, string caller = "") =>
        new(key, OperationKind.Write, Absent, value, start, end, caller);

    public static RecordedOperation CompareAndSet(
        string key, long expected, long value, long start, long end, string caller = "") =>
        new(key, OperationKind.CompareAndSet, expected, value, start, end, caller);

    /// <summary>The value after it, null where it cannot take effect on this one.</summary>
    /// <remarks>A transaction whose outcome is unknown may also have failed, and so left the value as it was.</remarks>
    public long? Apply(long value) => Kind switch
    {
        OperationKind.Write => Written,
        OperationKind.Read => value == Expected ? value : null,
        _ => value == Expected ? Written : IsUnknown ? value : null,
    };

    public override string ToString()
    {
        string what = Kind switch
        {
            OperationKind.Read => $"read {Text(Expected)}",
            OperationKind.Write => $"wrote {Text(Written)}",
            _ => $"found {Text(Expected)} and wrote {Text(Written)}",
        };
        string end = IsUnknown ? "outcome unknown" : End.ToString(CultureInfo.InvariantCulture);
        return $"[{Start} .. {end}] {Caller} {what} ({Key})";
    }

    private static string Text(long value) =>
        value == Absent ? "nothing" : value.ToString(CultureInfo.InvariantCulture);
}
