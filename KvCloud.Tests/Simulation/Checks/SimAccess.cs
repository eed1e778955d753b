using System.Text;
using KvCloud.Consensus;
using KvCloud.Node.Access;
using KvCloud.Node.Operations;

namespace KvCloud.Tests.Simulation;

/// <summary>Who may do what, as the agreed log says: part of the model.</summary>
internal sealed class SimAccess
{
    private readonly Dictionary<string, List<Change>> _users = [];

    private readonly record struct Change(Slot Slot, string? Prefix, bool IsGranted);

    public KvStatus Apply(Slot slot, SimAccessChange change)
    {
        if (change.Prefix is null)
        {
            return _users.TryAdd(change.User, [new Change(slot, null, true)]) ? KvStatus.Ok : KvStatus.AccessExists;
        }

        if (!_users.TryGetValue(change.User, out List<Change>? changes)
            || (!change.IsGranted && !PrefixesOf(change.User, slot).Contains(change.Prefix)))
        {
            return KvStatus.AccessNotFound;
        }

        changes.Add(new Change(slot, change.Prefix, change.IsGranted));
        return KvStatus.Ok;
    }

    /// <summary>Whether a write may run now.</summary>
    public bool Allows(SimOp op)
    {
        if (op.Principal is null)
        {
            return true;
        }

        HashSet<string> prefixes = PrefixesOf(op.Principal, new Slot(long.MaxValue));
        return op.Keys.Concat(op.ConflictKeys).All(
            key => prefixes.Any(prefix => key.StartsWith(prefix, StringComparison.Ordinal)));
    }

    /// <summary>What a replica that has applied up to this slot has otherwise than it should.</summary>
    public string? FindDifference(AccessCatalog catalog, Slot slot)
    {
        string[] expected =
        [
            .. _users.Where(user => user.Value[0].Slot <= slot)
                .Select(user => Describe(user.Key, PrefixesOf(user.Key, slot)))
                .Order(StringComparer.Ordinal),
        ];
        string[] found =
        [
            .. catalog.Users.Select(user => Describe(
                    user.Name, user.Grants.Select(grant => Encoding.UTF8.GetString(grant.Prefix.Span))))
                .Order(StringComparer.Ordinal),
        ];
        return expected.SequenceEqual(found)
            ? null
            : $"has users {string.Join("; ", found)}, should have {string.Join("; ", expected)}";
    }

    private static string Describe(string user, IEnumerable<string> prefixes) =>
        $"{user}: {string.Join(", ", prefixes.Order(StringComparer.Ordinal))}";

    private HashSet<string> PrefixesOf(string user, Slot slot)
    {
        HashSet<string> prefixes = [];
        foreach (Change change in _users.GetValueOrDefault(user, []).Where(change => change.Slot <= slot))
        {
            if (change.Prefix is not null && change.IsGranted)
            {
                prefixes.Add(change.Prefix);
            }
            else if (change.Prefix is not null)
            {
                prefixes.Remove(change.Prefix);
            }
        }

        return prefixes;
    }
}
