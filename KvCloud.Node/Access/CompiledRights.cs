using System.Collections.Frozen;
using System.Text;
using KvCloud.Node.Operations;

namespace KvCloud.Node.Access;

/// <summary>The sum of grants, in the form in which a call is held to it: no allocation, two lookups.</summary>
internal sealed class CompiledRights
{
    public static readonly CompiledRights None = new([]);

    public static readonly CompiledRights All = new([Grant.AdminOfAll]);

    private readonly PrefixSet[] _everywhere;
    private readonly FrozenDictionary<string, PrefixSet[]> _families;
    private readonly FrozenDictionary<string, PrefixSet[]>.AlternateLookup<ReadOnlySpan<char>> _familiesByText;

    public CompiledRights(IEnumerable<Grant> grants)
    {
        ILookup<string, Grant> byFamily = grants.ToLookup(grant => grant.ColumnFamily, StringComparer.Ordinal);
        _everywhere = SetsOf(byFamily[Grant.Everywhere]);
        _families = byFamily.Where(family => family.Key != Grant.Everywhere)
            .ToFrozenDictionary(family => family.Key, SetsOf, StringComparer.Ordinal);
        _familiesByText = _families.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>Whether nothing at all is held.</summary>
    public bool IsEmpty => _families.Count == 0 && Array.TrueForAll(_everywhere, set => set.IsEmpty);

    /// <summary>Whether the right is held on everything, column families of the future included.</summary>
    public bool HasAll(KvRights right) => _everywhere[IndexOf(right)].IsEverything;

    /// <summary>Whether the right is held on anything.</summary>
    public bool HasAny(KvRights right) => !_everywhere[IndexOf(right)].IsEmpty
        || _families.Values.Any(sets => !sets[IndexOf(right)].IsEmpty);

    /// <summary>Whether the right is held on the whole column family.</summary>
    public bool HasFamily(KvRights right, string? columnFamily) =>
        HasAll(right) || (SetOf(right, columnFamily)?.IsEverything ?? false);

    public bool Has(KvRights right, string? columnFamily, ReadOnlySpan<byte> key) =>
        _everywhere[IndexOf(right)].Has(key) || (SetOf(right, columnFamily)?.Has(key) ?? false);

    /// <inheritdoc cref="Has(KvRights, string?, ReadOnlySpan{byte})"/>
    /// <param name="columnFamily">UTF-8; empty for the default one.</param>
    public bool Has(KvRights right, ReadOnlySpan<byte> columnFamily, ReadOnlySpan<byte> key) =>
        _everywhere[IndexOf(right)].Has(key) || (SetOf(right, columnFamily)?.Has(key) ?? false);

    /// <summary>Whether the right is held on the whole range, by one grant that covers it.</summary>
    public bool HasRange(
        KvRights right,
        string? columnFamily,
        ReadOnlySpan<byte> begin,
        ReadOnlySpan<byte> end,
        bool hasEnd,
        bool isEndInclusive) =>
        _everywhere[IndexOf(right)].HasRange(begin, end, hasEnd, isEndInclusive)
        || (SetOf(right, columnFamily)?.HasRange(begin, end, hasEnd, isEndInclusive) ?? false);

    private static PrefixSet[] SetsOf(IEnumerable<Grant> grants)
    {
        Grant[] all = [.. grants];
        return
        [
            .. new[] { KvRights.Read, KvRights.Write, KvRights.Admin }.Select(right => PrefixSet.Of(
                all.Where(grant => (grant.Rights & (right | KvRights.Admin)) != 0).Select(grant => grant.Prefix))),
        ];
    }

    private static int IndexOf(KvRights right) => right switch
    {
        KvRights.Read => 0,
        KvRights.Write => 1,
        KvRights.Admin => 2,
        _ => throw new ArgumentOutOfRangeException(nameof(right), right, "one right, not several or none"),
    };

    private PrefixSet? SetOf(KvRights right, string? columnFamily) => _families.TryGetValue(
        string.IsNullOrEmpty(columnFamily) ? Grant.DefaultColumnFamily : columnFamily, out PrefixSet[]? sets)
        ? sets[IndexOf(right)]
        : null;

    private PrefixSet? SetOf(KvRights right, ReadOnlySpan<byte> columnFamily)
    {
        if (columnFamily.IsEmpty)
        {
            return SetOf(right, Grant.DefaultColumnFamily);
        }

        if (columnFamily.Length > KvLimits.ColumnFamilyNameSizeBytes)
        {
            return null;
        }

        Span<char> text = stackalloc char[KvLimits.ColumnFamilyNameSizeBytes];
        int length = Encoding.UTF8.GetChars(columnFamily, text);
        return _familiesByText.TryGetValue(text[..length], out PrefixSet[]? sets) ? sets[IndexOf(right)] : null;
    }
}
