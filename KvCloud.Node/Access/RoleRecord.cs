namespace KvCloud.Node.Access;

/// <summary>Rights under a name, which users hold and tokens of an identity provider may claim.</summary>
internal sealed record RoleRecord(string Name, IReadOnlyList<Grant> Grants)
{
    public const string AdminName = "admin";

    /// <summary>There always, and never changed: all rights.</summary>
    public static RoleRecord Admin { get; } = new(AdminName, [Grant.AdminOfAll]);
}
