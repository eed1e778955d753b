using System.Text;
using KvCloud.Node.Access;
using KvCloud.Node.Operations;
using KvCloud.Node.Storage;

namespace KvCloud.Node.State;

/// <summary>
/// Users and roles as part of the replicated state: in memory as a catalog, in the meta table one record for each under
/// <c>'U' name</c> and <c>'R' name</c>.
/// </summary>
internal sealed class AccessTable(IKvStore store)
{
    private const byte UserPrefix = (byte)'U';
    private const byte RolePrefix = (byte)'R';

    /// <summary>Principals whose rights are held compiled; beyond that all are compiled anew.</summary>
    private const int MaxCompiled = 1_024;

    private readonly Dictionary<byte[], CompiledRights> _compiled = new(BytesComparer.Instance);
    private AccessCatalog _written = AccessCatalog.Empty;

    public AccessCatalog Catalog { get; private set; } = AccessCatalog.Empty;

    public void Load()
    {
        var users = new List<UserRecord>();
        var roles = new List<RoleRecord>();
        using IKvIterator records = store.Iterate(KvTable.Meta);
        records.Seek([RolePrefix]);
        for (; records.IsValid && records.Key[0] == RolePrefix; records.MoveNext())
        {
            roles.Add(AccessRecordCodec.DecodeRole(NameOf(records.Key), records.Value.ToArray())
                ?? throw new StoreCorruptException("The record of a role is damaged."));
        }

        records.Seek([UserPrefix]);
        for (; records.IsValid && records.Key[0] == UserPrefix; records.MoveNext())
        {
            users.Add(AccessRecordCodec.DecodeUser(NameOf(records.Key), records.Value.ToArray())
                ?? throw new StoreCorruptException("The record of a user is damaged."));
        }

        Catalog = _written = new AccessCatalog(users, roles);
        _compiled.Clear();
    }

    public CommandResult Change(AccessChange change)
    {
        CommandResult result = AccessRules.Apply(Catalog, change, out AccessCatalog after);
        if (after != Catalog)
        {
            Catalog = after;
            _compiled.Clear();
        }

        return result;
    }

    /// <summary>The rights that the principal of a command has now.</summary>
    public CompiledRights RightsOf(ReadOnlyMemory<byte> principal)
    {
        if (_compiled.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(principal.Span, out CompiledRights? known))
        {
            return known;
        }

        if (_compiled.Count >= MaxCompiled)
        {
            _compiled.Clear();
        }

        CompiledRights rights = PrincipalCodec.RightsIn(Catalog, principal);
        _compiled.Add(principal.ToArray(), rights);
        return rights;
    }

    /// <summary>Writes what has changed since the last batch.</summary>
    public void Complete(IKvBatch batch)
    {
        if (_written == Catalog)
        {
            return;
        }

        foreach (UserRecord user in Catalog.Users.Where(user => !ReferenceEquals(_written.FindUser(user.Name), user)))
        {
            batch.Put(KvTable.Meta, KeyOf(UserPrefix, user.Name), AccessRecordCodec.Encode(user));
        }

        foreach (RoleRecord role in Catalog.Roles.Where(role => !ReferenceEquals(_written.FindRole(role.Name), role)))
        {
            batch.Put(KvTable.Meta, KeyOf(RolePrefix, role.Name), AccessRecordCodec.Encode(role));
        }

        foreach (UserRecord user in _written.Users.Where(user => Catalog.FindUser(user.Name) is null))
        {
            batch.Delete(KvTable.Meta, KeyOf(UserPrefix, user.Name));
        }

        foreach (RoleRecord role in _written.Roles.Where(role => Catalog.FindRole(role.Name) is null))
        {
            batch.Delete(KvTable.Meta, KeyOf(RolePrefix, role.Name));
        }

        _written = Catalog;
    }

    private static byte[] KeyOf(byte prefix, string name) => [prefix, .. Encoding.UTF8.GetBytes(name)];

    private static string NameOf(ReadOnlySpan<byte> key) => Encoding.UTF8.GetString(key[1..]);

    private sealed class BytesComparer
        : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public static readonly BytesComparer Instance = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] obj) => GetHashCode(obj.AsSpan());

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<byte> alternate)
        {
            var hash = default(HashCode);
            hash.AddBytes(alternate);
            return hash.ToHashCode();
        }

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
    }
}
