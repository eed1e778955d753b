using System.CommandLine;
using KvCloud.Client;
using KvCloud.Protocol;

namespace KvCloud.Cli.Commands;

/// <summary>`kv role list|add|remove|grant|revoke`.</summary>
internal static class RoleCommands
{
    public static Command Create(CommandRunner runner)
    {
        var list = new Command("list", "Print the roles and their rights.");
        runner.Bind(list, async (context, cancellationToken) =>
        {
            KvAccess access = await context.Client.GetAccessAsync(
                new KvReadOptions { Endpoint = context.Endpoint }, cancellationToken);
            AccessDisplay.Print(context, access.Roles);
            return ExitCode.Ok;
        });
        return new Command("role", "Rights under a name, which users hold. Changes go to the leader.")
        {
            list,
            OfOne(runner, "add", "Add a role, which has no rights yet.", AccessChangeKind.ADD_ROLE),
            OfOne(runner, "remove", "Remove a role: whoever has it has it no more.", AccessChangeKind.REMOVE_ROLE),
            Change(runner, "grant", "Give a role rights.", AccessChangeKind.GRANT_TO_ROLE),
            Change(runner, "revoke", "Take rights from a role.", AccessChangeKind.REVOKE_FROM_ROLE),
        };
    }

    private static Command OfOne(CommandRunner runner, string verb, string description, AccessChangeKind kind)
    {
        Argument<string> name = NameOf();
        var command = new Command(verb, description) { name };
        Bind(runner, command, context => new KvAccessChange { Kind = kind, Name = context.Get(name) });
        return command;
    }

    private static Command Change(CommandRunner runner, string verb, string description, AccessChangeKind kind)
    {
        Argument<string> name = NameOf();
        var grant = new GrantOptions();
        var command = new Command(verb, description) { name };
        grant.AddTo(command);
        Bind(runner, command, context => new KvAccessChange
        {
            Kind = kind,
            Name = context.Get(name),
            Grant = grant.Of(context),
        });
        return command;
    }

    private static Argument<string> NameOf() => new("role") { Description = "The role's name." };

    private static void Bind(CommandRunner runner, Command command, Func<CommandContext, KvAccessChange> changeOf) =>
        runner.Bind(command, async (context, cancellationToken) =>
        {
            await context.Client.ChangeAccessAsync(changeOf(context), null, cancellationToken);
            return ExitCode.Ok;
        });
}
