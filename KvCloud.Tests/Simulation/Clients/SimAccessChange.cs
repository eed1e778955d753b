using System.Text;
using KvCloud.Node.Access;

namespace KvCloud.Tests.Simulation;

/// <summary>A user comes, or gets or loses the right to read and write the keys with a prefix.</summary>
/// <param name="Prefix">Null where the user is added.</param>
internal sealed record SimAccessChange(string User, string? Prefix, bool IsGranted)
{
    public byte[] Encode() => AccessChangeCodec.Encode(new AccessChange(
        Prefix is null ? AccessAction.AddUser : IsGranted ? AccessAction.GrantToUser : AccessAction.RevokeFromUser,
        User)
    {
        Grant = Prefix is null
            ? null
            : new Grant(KvRights.Read | KvRights.Write, Grant.Everywhere, Encoding.UTF8.GetBytes(Prefix)),
    });

    public override string ToString() =>
        Prefix is null ? $"add user {User}" : $"{(IsGranted ? "grant" : "revoke")} '{Prefix}' of {User}";
}
