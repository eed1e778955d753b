using KvCloud.Protocol;

namespace KvCloud.Tests.Live.Lifecycle;

/// <summary>Figures of the calls of one kind in one interval.</summary>
/// <param name="LongestPause">
/// The longest time without a success of any caller. It may have begun before the interval, or continue after it.
/// </param>
/// <param name="LongestCall">The longest call that succeeded in the interval.</param>
/// <param name="Errors">Calls whose retries ended in a failure, by code.</param>
/// <param name="Unknown">Failed calls of unknown outcome: the write may or may not have been applied.</param>
internal sealed record CallFigures(
    int Count,
    TimeSpan P50,
    TimeSpan P99,
    TimeSpan LongestPause,
    TimeSpan LongestCall,
    IReadOnlyDictionary<ErrorCode, int> Errors,
    int Unknown);
