using System.Runtime.CompilerServices;

namespace KvCloud.Tests.Simulation;

/// <summary>Text that is put together only if the world is being traced.</summary>
[InterpolatedStringHandler]
internal ref struct TraceText
{
    private DefaultInterpolatedStringHandler _text;
    private readonly bool _isWanted;

    public TraceText(int literalLength, int formattedCount, SimWorld world, out bool isWanted)
    {
        isWanted = world.IsTracing;
        _isWanted = isWanted;
        _text = isWanted ? new DefaultInterpolatedStringHandler(literalLength, formattedCount) : default;
    }

    public void AppendLiteral(string text) => _text.AppendLiteral(text);

    public void AppendFormatted<T>(T value) => _text.AppendFormatted(value);

    public override string ToString() => _isWanted ? _text.ToStringAndClear() : "";
}
