using System.Collections.Frozen;
using System.Text;
using KvCloud.Node.Operations;

namespace KvCloud.Node.State;

/// <summary>All column families at one moment. Immutable: a change makes a new catalog.</summary>
internal sealed class KeyspaceCatalog
{
    private readonly FrozenDictionary<string, Keyspace> _byName;
    private readonly FrozenDictionary<string, Keyspace>.AlternateLookup<ReadOnlySpan<char>> _byText;

    private readonly FrozenSet<uint> _ids;

    public KeyspaceCatalog(IEnumerable<Keyspace> keyspaces)
    {
        Keyspaces = [.. keyspaces.OrderBy(keyspace => keyspace.Name, StringComparer.Ordinal)];
        Names = [.. Keyspaces.Select(keyspace => keyspace.Name)];
        _byName = Keyspaces.ToFrozenDictionary(keyspace => keyspace.Name, StringComparer.Ordinal);
        _ids = Keyspaces.Select(keyspace => keyspace.Id).ToFrozenSet();
        _byText = _byName.GetAlternateLookup<ReadOnlySpan<char>>();
        Default = _byName[Keyspace.DefaultName];
    }

    /// <summary>Ordered by name.</summary>
    public IReadOnlyList<Keyspace> Keyspaces { get; }

    public IReadOnlyList<string> Names { get; }

    public Keyspace Default { get; }

    /// <summary>
    /// Finds a keyspace; an absent or empty name means the default one. Null when there is none of this name.
    /// </summary>
    public Keyspace? Find(string? name) =>
        string.IsNullOrEmpty(name) ? Default : _byName.GetValueOrDefault(name);

    /// <inheritdoc cref="Find(string?)"/>
    public Keyspace? Find(ReadOnlySpan<byte> name)
    {
        if (name.IsEmpty)
        {
            return Default;
        }

        if (name.Length > KvLimits.ColumnFamilyNameSizeBytes)
        {
            return null;
        }

        Span<char> text = stackalloc char[KvLimits.ColumnFamilyNameSizeBytes];
        return _byText.TryGetValue(text[..Encoding.UTF8.GetChars(name, text)], out Keyspace? found) ? found : null;
    }

    /// <summary>Whether it contains this same keyspace, not merely one of the same name.</summary>
    public bool Contains(uint keyspaceId) => _ids.Contains(keyspaceId);

    public KeyspaceCatalog With(Keyspace added) => new(Keyspaces.Append(added));

    public KeyspaceCatalog Without(Keyspace dropped) => new(Keyspaces.Where(keyspace => keyspace != dropped));
}
