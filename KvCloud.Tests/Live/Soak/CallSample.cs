using KvCloud.Tests.Live.Lifecycle;

namespace KvCloud.Tests.Live.Soak;

/// <summary>Figures of the calls since the previous sample.</summary>
/// <param name="Time">Time since the start of the soak.</param>
internal sealed record CallSample(TimeSpan Time, CallFigures Writes, CallFigures Reads);
