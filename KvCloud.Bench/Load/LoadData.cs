namespace KvCloud.Bench.Load;

/// <summary>
/// Shared by all threads of a run: the keys, how one is chosen, and the bytes that values are taken from.
/// </summary>
internal sealed class LoadData
{
    private const int ValuePoolBytes = 1 << 20;
    private readonly byte[] _values;

    public LoadData(LoadOptions options)
    {
        Keys = new KeySpace(options.Keys, options.KeySizeBytes);
        Chooser = KeyChooser.Create(options.Distribution, Keys, options.Theta);

        // Random bytes: compressible values would favour the server that compresses.
        var random = new SeededRandom(options.Seed);
        _values = new byte[Math.Max(ValuePoolBytes, (options.ValueSizeBytes * 2) + 8)];
        for (int i = 0; i + 8 <= _values.Length; i += 8)
        {
            BitConverter.TryWriteBytes(_values.AsSpan(i), random.NextUInt64());
        }
    }

    public KeySpace Keys { get; }

    public KeyChooser Chooser { get; }

    /// <summary>A value of <paramref name="sizeBytes"/> bytes, from a random position of the pool.</summary>
    public ReadOnlyMemory<byte> Value(SeededRandom random, int sizeBytes) =>
        _values.AsMemory((int)random.NextBelow(_values.Length - sizeBytes + 1), sizeBytes);
}
