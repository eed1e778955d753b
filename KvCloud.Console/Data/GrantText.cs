using KvCloud.Client;

namespace KvCloud.WebConsole.Data;

/// <summary>Rights as text, the way `kv user list` writes them.</summary>
internal static class GrantText
{
    public static string Of(KvGrant grant)
    {
        string[] rights =
        [
            .. new[] { KvRights.Read, KvRights.Write, KvRights.Admin }
                .Where(right => grant.Rights.HasFlag(right)).Select(right => right.ToString().ToLowerInvariant()),
        ];
        string scope = grant.ColumnFamily == KvGrant.Everywhere ? "every column family" : grant.ColumnFamily;
        string prefix = grant.KeyPrefix.IsEmpty ? "" : $" '{EscapedText.Escape(grant.KeyPrefix.Span)}'";
        return $"{string.Join(",", rights)} on {scope}{prefix}";
    }
}
