using KvCloud.Protocol;

namespace KvCloud.Tests.Live.Lifecycle;

/// <summary>What calls of one kind did in one stretch of time.</summary>
/// <param name="LongestPause">
/// The longest time without a success of any caller; it may have begun before the stretch or still go on at its end.
/// </param>
/// <param name="LongestCall">Of those that succeeded in the stretch.</param>
/// <param name="Errors">Calls that failed for good, by code.</param>
/// <param name="Unknown">Of these: writes that may or may not be applied.</param>
internal sealed record CallFigures(
    int Count,
    TimeSpan P50,
    TimeSpan P99,
    TimeSpan LongestPause,
    TimeSpan LongestCall,
    IReadOnlyDictionary<ErrorCode, int> Errors,
    int Unknown);
