using System.Text;

namespace KvCloud.Client;

/// <summary>A range of keys in lexicographic order of their bytes.</summary>
/// <param name="Begin">The first key of the range, itself included; empty for the start of the keyspace.</param>
/// <param name="End">The first key behind the range; null or empty for the end of the keyspace.</param>
public readonly record struct KvRange(ReadOnlyMemory<byte> Begin, ReadOnlyMemory<byte>? End)
{
    /// <summary>Every key.</summary>
    public static KvRange All => new(ReadOnlyMemory<byte>.Empty, null);

    /// <summary>The first key behind the range; null for the end of the keyspace.</summary>
    /// <remarks>A null array becomes empty memory on its way here, and no key lies before the empty one.</remarks>
    public ReadOnlyMemory<byte>? End { get; init; } = End is { IsEmpty: true } ? null : End;

    /// <summary>At most this many rows; 0 for all.</summary>
    public int Limit { get; init; }

    /// <summary>About how many bytes of keys and values one page brings; it bounds what is held in memory.</summary>
    public int PageSizeBytes { get; init; } = 256 * 1024;

    /// <summary>Every key that starts with these bytes.</summary>
    public static KvRange Prefix(ReadOnlyMemory<byte> prefix) => new(prefix, KeyBytes.EndOfPrefix(prefix.Span));

    /// <summary>Every key that starts with this text in UTF-8.</summary>
    public static KvRange Prefix(string prefix)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        return Prefix(Encoding.UTF8.GetBytes(prefix));
    }

    /// <summary>From one text key up to but without another, both in UTF-8.</summary>
    public static KvRange Between(string begin, string? end)
    {
        ArgumentNullException.ThrowIfNull(begin);
        return new KvRange(Encoding.UTF8.GetBytes(begin), end is null ? null : Encoding.UTF8.GetBytes(end));
    }
}
