using KvCloud.Tests.Live.Lifecycle;

namespace KvCloud.Tests.Live.Soak;

/// <summary>The calls since the sample before.</summary>
/// <param name="Time">Since the beginning.</param>
internal sealed record CallSample(TimeSpan Time, CallFigures Writes, CallFigures Reads);
