using System.Globalization;
using System.Text.Json;
using KvCloud.Client;

namespace KvCloud.Cli.Commands;

/// <summary>Users, roles and grants as people read them, and as JSON.</summary>
internal static class AccessDisplay
{
    public static void Print(CommandContext context, IEnumerable<KvUser> users)
    {
        context.Printer.Rows(
            ["user", "password", "tokens", "roles", "rights"],
            users,
            user =>
            [
                user.Name,
                user.HasPassword ? "set" : "-",
                Joined(user.Tokens.Select(token => token.Value is { } expires
                    ? $"{token.Key} (until {expires.ToString("u", CultureInfo.InvariantCulture)})"
                    : token.Key)),
                Joined(user.Roles),
                Joined(user.Grants.Select(Text)),
            ],
            Write);
    }

    public static void Print(CommandContext context, IEnumerable<KvRole> roles)
    {
        context.Printer.Rows(
            ["role", "rights"],
            roles,
            role => [role.Name, Joined(role.Grants.Select(Text))],
            (writer, role) =>
            {
                writer.WriteString("name", role.Name);
                Write(writer, role.Grants);
            });
    }

    private static void Write(Utf8JsonWriter writer, KvUser user)
    {
        writer.WriteString("name", user.Name);
        writer.WriteBoolean("has_password", user.HasPassword);
        writer.WriteStartArray("tokens");
        foreach (string token in user.Tokens.Keys)
        {
            writer.WriteStringValue(token);
        }

        writer.WriteEndArray();
        writer.WriteStartArray("roles");
        foreach (string role in user.Roles)
        {
            writer.WriteStringValue(role);
        }

        writer.WriteEndArray();
        Write(writer, user.Grants);
    }

    private static void Write(Utf8JsonWriter writer, IEnumerable<KvGrant> grants)
    {
        writer.WriteStartArray("grants");
        foreach (KvGrant grant in grants)
        {
            writer.WriteStartObject();
            writer.WriteString("rights", RightsOf(grant));
            writer.WriteString("column_family", grant.ColumnFamily);
            writer.WriteString("key_prefix", EscapedText.Escape(grant.KeyPrefix.Span));
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static string Text(KvGrant grant) =>
        $"{RightsOf(grant)} on {grant.ColumnFamily}"
        + (grant.KeyPrefix.IsEmpty ? "" : $" '{EscapedText.Escape(grant.KeyPrefix.Span)}'");

    private static string RightsOf(KvGrant grant) =>
        grant.Rights.ToString().Replace(" ", "", StringComparison.Ordinal).ToLowerInvariant();

    private static string Joined(IEnumerable<string> items) => string.Join("; ", items) is { Length: > 0 } text
        ? text
        : "-";
}
