namespace KvCloud.Node.Access;

/// <summary>A change of users or roles. The numbers are part of the format: never reuse one.</summary>
internal enum AccessAction : byte
{
    AddUser = 1,
    RemoveUser = 2,
    SetPassword = 3,
    AddToken = 4,
    RemoveToken = 5,
    GrantToUser = 6,
    RevokeFromUser = 7,
    AddRole = 8,
    RemoveRole = 9,
    GrantToRole = 10,
    RevokeFromRole = 11,
    AssignRole = 12,
    UnassignRole = 13,

    /// <summary>Only where nobody may administer the cluster; asks for no right.</summary>
    CreateFirstAdmin = 14,
}
