using System.Text;
using KvCloud.Node.Access;
using KvCloud.Node.Operations;
using KvCloud.Node.State;
using KvCloud.Node.Storage;

namespace KvCloud.Tests.Node.State;

/// <summary>Users and roles as part of the replicated state, and commands that carry their principal.</summary>
public sealed class AccessTests : IDisposable
{
    private static readonly PasswordHash Password = new(
        PasswordHash.Pbkdf2Sha512, 1, new byte[] { 1 }, new byte[] { 2 });

    private readonly StateHarness _harness = StateHarness.InMemory();

    public void Dispose() => _harness.Dispose();

    [Fact]
    public void Apply_change_of_users_below_its_level_is_refused_and_changes_nothing()
    {
        CommandResult result = _harness.ApplyOne(Command(new AccessChange(AccessAction.AddUser, "ada")));

        Assert.Equal(KvStatus.FeatureNotActive, result.Code);
        Assert.Empty(_harness.Reader.Access.Users);
    }

    /// <summary>As the release before says it, which does not know the flag and goes on beside this one.</summary>
    [Fact]
    public void Apply_command_that_names_who_asked_below_its_level_is_malformed()
    {
        CommandResult result = _harness.ApplyOne(Set("a/1", "ada"));

        Assert.Equal(KvStatus.InvalidArgument, result.Code);
        Assert.Equal("a command of kind 1 with flags 2 is not known", result.Message);
    }

    [Fact]
    public void Apply_revoked_right_is_refused_from_the_next_command_on()
    {
        WithUser("ada", Write("a/"));
        Assert.Equal(KvStatus.Ok, _harness.ApplyOne(Set("a/1", "ada")).Code);
        CommandResult elsewhere = _harness.ApplyOne(Set("b/1", "ada"));
        Assert.Equal(KvStatus.PermissionDenied, elsewhere.Code);
        Assert.Equal(
            "the right to write is missing: this key of column family 'default'; nothing was done", elsewhere.Message);

        IReadOnlyList<CommandResult> results = _harness.Apply(
            Set("a/2", "ada"),
            Command(new AccessChange(AccessAction.RevokeFromUser, "ada") { Grant = Write("a/") }),
            Set("a/3", "ada"));

        Assert.Equal([KvStatus.Ok, KvStatus.Ok, KvStatus.PermissionDenied], results.Select(result => result.Code));
        Assert.NotNull(_harness.Get("a/2"));
        Assert.Null(_harness.Get("a/3"));
    }

    [Fact]
    public void Apply_retry_of_what_ran_before_the_revocation_says_again_that_it_ran()
    {
        WithUser("ada", Write("a/"));
        long session = _harness.ApplyOne(new OpenSessionCommand()).Version.Value;
        KvCommand write = Set("a/1", "ada") with { Identity = new RequestIdentity(session, 1, 0) };
        CommandResult first = _harness.ApplyOne(write);

        _harness.ApplyOne(Command(new AccessChange(AccessAction.RemoveUser, "ada")));

        Assert.Equal(KvStatus.Ok, first.Code);
        Assert.Equal(first.Version, _harness.ApplyOne(write).Version);
    }

    [Fact]
    public void Apply_transaction_needs_write_on_each_key_and_read_on_what_it_read()
    {
        WithUser("ada", new Grant(KvRights.Write, "*", Bytes("w/")));
        Grant(new Grant(KvRights.Read, "default", Bytes("r/")));

        Assert.Equal(KvStatus.Ok, Commit(["w/1", "w/2"], ["r/1"]));
        Assert.Equal(KvStatus.PermissionDenied, Commit(["w/1", "r/2"], []));
        Assert.Equal(KvStatus.PermissionDenied, Commit(["w/1"], ["w/1"]));

        KvStatus Commit(string[] writes, string[] reads)
        {
            KvCommand commit = StateHarness.Commit(
                _harness.Reader.AppliedVersion.Value,
                [.. writes.Select(key => StateHarness.Mutate(MutationKind.Set, key, "v"))],
                reads);
            return _harness.ApplyOne(commit with { Principal = PrincipalCodec.Encode("ada") }).Code;
        }
    }

    [Fact]
    public void Apply_versionstamped_key_needs_the_right_whatever_the_stamp_becomes()
    {
        WithUser("ada", Write("a/"));

        Assert.Equal(KvStatus.Ok, Stamp("a/"));
        Assert.Equal(KvStatus.PermissionDenied, Stamp("a"));

        KvStatus Stamp(string prefix)
        {
            KvCommand commit = StateHarness.Commit(
                0, [StateHarness.Mutate(MutationKind.SetVersionstampedKey, prefix + "0123456789", "v")]);
            return _harness.ApplyOne(commit with { Principal = PrincipalCodec.Encode("ada") }).Code;
        }
    }

    [Fact]
    public void Apply_last_admin_stays_whatever_takes_the_right_away()
    {
        WithUser("ada");
        Change(new AccessChange(AccessAction.AssignRole, "ada") { Other = RoleRecord.AdminName });

        Assert.Equal(KvStatus.LastAdmin, Change(new AccessChange(AccessAction.RemoveUser, "ada")));
        Assert.Equal(
            KvStatus.LastAdmin,
            Change(new AccessChange(AccessAction.UnassignRole, "ada") { Other = RoleRecord.AdminName }));
        Assert.Equal(KvStatus.Ok, Change(new AccessChange(AccessAction.AddUser, "bob")));
        Assert.Equal(
            KvStatus.Ok,
            Change(new AccessChange(AccessAction.GrantToUser, "bob") { Grant = KvCloud.Node.Access.Grant.AdminOfAll }));
        Assert.Equal(KvStatus.Ok, Change(new AccessChange(AccessAction.RemoveUser, "ada")));
        Assert.Equal(KvStatus.LastAdmin, Change(new AccessChange(AccessAction.RemoveUser, "bob")));
    }

    [Fact]
    public void Apply_first_admin_is_made_once()
    {
        _harness.ApplyOne(new RaiseFeatureLevelCommand(FeatureLevels.Principals));
        var first = new AccessChange(AccessAction.CreateFirstAdmin, "root") { Password = Password };

        Assert.Equal(KvStatus.Ok, Change(first));
        Assert.Equal(KvStatus.AccessExists, Change(first with { Name = "other" }));
        Assert.Null(_harness.Reader.Access.FindUser("other"));
    }

    [Fact]
    public void Apply_change_of_rights_by_one_without_them_is_refused_but_for_their_own_password()
    {
        WithUser("ada", Write(""));

        Assert.Equal(KvStatus.PermissionDenied, As("ada", new AccessChange(AccessAction.AddUser, "eve")));
        Assert.Equal(
            KvStatus.PermissionDenied,
            As("ada", new AccessChange(AccessAction.GrantToUser, "ada")
            {
                Grant = KvCloud.Node.Access.Grant.AdminOfAll,
            }));
        Assert.Equal(
            KvStatus.Ok, As("ada", new AccessChange(AccessAction.SetPassword, "ada") { Password = Password }));
        Assert.Equal(
            KvStatus.PermissionDenied,
            As("eve", new AccessChange(AccessAction.SetPassword, "ada") { Password = Password }));

        KvStatus As(string user, AccessChange change) =>
            _harness.ApplyOne(Command(change) with { Principal = PrincipalCodec.Encode(user) }).Code;
    }

    [Fact]
    public void Apply_removed_role_is_nobodys_any_more_also_when_it_comes_back()
    {
        WithUser("ada");
        Change(new AccessChange(AccessAction.AddRole, "writers"));
        Change(new AccessChange(AccessAction.GrantToRole, "writers") { Grant = Write("a/") });
        Change(new AccessChange(AccessAction.AssignRole, "ada") { Other = "writers" });
        Assert.Equal(KvStatus.Ok, _harness.ApplyOne(Set("a/1", "ada")).Code);

        Change(new AccessChange(AccessAction.RemoveRole, "writers"));
        Change(new AccessChange(AccessAction.AddRole, "writers"));
        Change(new AccessChange(AccessAction.GrantToRole, "writers") { Grant = Write("a/") });

        Assert.Equal(KvStatus.PermissionDenied, _harness.ApplyOne(Set("a/1", "ada")).Code);
        Assert.Equal(
            KvStatus.Ok,
            _harness.ApplyOne(StateHarness.Set("a/1", "v") with
            {
                Principal = PrincipalCodec.Encode("idp|7", ["writers"]),
            }).Code);
    }

    [Fact]
    public void KvStoreExecutor_opened_again_has_users_roles_and_their_rights()
    {
        WithUser("ada", Write("a/"), new Grant(KvRights.Read, "other", default));
        Change(new AccessChange(AccessAction.AddUser, "gone"));
        Change(new AccessChange(AccessAction.SetPassword, "ada") { Password = Password });
        Change(new AccessChange(AccessAction.AddToken, "ada")
        {
            Token = new UserToken("ci", TokenHash.Of("a token"), 99),
        });
        Change(new AccessChange(AccessAction.AddRole, "readers"));
        Change(new AccessChange(AccessAction.AssignRole, "ada") { Other = "readers" });
        Change(new AccessChange(AccessAction.RemoveUser, "gone"));
        _harness.Executor.Flush();

        using var reopened = new KvStoreExecutor(_harness.Store);

        UserRecord ada = Assert.Single(reopened.Reader.Access.Users);
        Assert.Equal(Password, ada.Password);
        Assert.Equal(new UserToken("ci", TokenHash.Of("a token"), 99), Assert.Single(ada.Tokens));
        Assert.Equal(["readers"], ada.Roles);
        Assert.Equal([Write("a/"), new Grant(KvRights.Read, "other", default)], ada.Grants);
        Assert.Same(ada, reopened.Reader.Access.FindToken(TokenHash.Of("a token")));
        Assert.Equal("readers", Assert.Single(reopened.Reader.Access.Roles).Name);
    }

    [Fact]
    public void Apply_changes_of_users_are_part_of_the_state_hash()
    {
        using var other = StateHarness.InMemory();
        foreach (StateHarness harness in new[] { _harness, other })
        {
            harness.ApplyOne(new RaiseFeatureLevelCommand(FeatureLevels.Principals));
        }

        _harness.ApplyOne(Command(new AccessChange(AccessAction.AddUser, "ada")));
        other.ApplyOne(Command(new AccessChange(AccessAction.AddUser, "bob")));

        Assert.Equal(_harness.Executor.Applied.Version, other.Executor.Applied.Version);
        Assert.NotEqual(_harness.Executor.Applied.StateHash, other.Executor.Applied.StateHash);
    }

    private void WithUser(string name, params Grant[] grants)
    {
        _harness.ApplyOne(new RaiseFeatureLevelCommand(FeatureLevels.Principals));
        Change(new AccessChange(AccessAction.AddUser, name));
        foreach (Grant grant in grants)
        {
            Assert.Equal(KvStatus.Ok, Change(new AccessChange(AccessAction.GrantToUser, name) { Grant = grant }));
        }
    }

    private void Grant(Grant grant) => Assert.Equal(
        KvStatus.Ok, Change(new AccessChange(AccessAction.GrantToUser, "ada") { Grant = grant }));

    private KvStatus Change(AccessChange change) => _harness.ApplyOne(Command(change)).Code;

    private static ChangeAccessCommand Command(AccessChange change) => new(AccessChangeCodec.Encode(change));

    private static KvCommand Set(string key, string principal) =>
        StateHarness.Set(key, "v") with { Principal = PrincipalCodec.Encode(principal) };

    private static Grant Write(string prefix) => new(KvRights.Write, "default", Bytes(prefix));

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
