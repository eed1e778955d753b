namespace KvCloud.Tests.Fuzzing;

/// <summary>A parser of bytes that a network or a disk gives us.</summary>
/// <param name="Name">As the command names it.</param>
/// <param name="Seeds">Inputs that it accepts, which all others are made of.</param>
/// <param name="Run">
/// Parses, and returns whether the input was accepted. Catches the one exception that the parser may throw, so that any
/// other is a finding.
/// </param>
internal sealed record FuzzTarget(string Name, IReadOnlyList<byte[]> Seeds, Func<byte[], bool> Run)
{
    /// <summary>
    /// Makes lengths and checksums right again that a change made wrong, so that it gets behind them; null where there
    /// are none.
    /// </summary>
    public Func<byte[], byte[]>? Repair { get; init; }

    /// <summary>Pieces that mean something to the parser.</summary>
    public IReadOnlyList<byte[]> Words { get; init; } = [];

    /// <summary>Inputs of a run among the other tests; fewer where one takes long.</summary>
    public int TestInputs { get; init; } = 3_000;

    /// <summary>What one input may allocate, beside what its own length justifies.</summary>
    public long BaseBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>What one byte of an input may allocate.</summary>
    public long BytesPerByte { get; init; } = 256;
}
