using KvCloud.Bench.Load;

namespace KvCloud.Tests.Bench;

public sealed class LoadGeneratorTests
{
    /// <summary>A preload of 64 KB values had 64 MB in flight, and the node refused some of them for good.</summary>
    [Theory]
    [InlineData(0, 64)]
    [InlineData(100, 64)]
    [InlineData(64 * 1024, 16)]
    [InlineData(256 * 1024, 4)]
    [InlineData(64 * 1024 * 1024, 1)]
    public void PreloadInFlightOf_large_values_is_few(int valueSizeBytes, int inFlight) =>
        Assert.Equal(inFlight, LoadGenerator.PreloadInFlightOf(valueSizeBytes));
}
