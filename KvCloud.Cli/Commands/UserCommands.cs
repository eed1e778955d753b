using System.CommandLine;
using KvCloud.Client;
using KvCloud.Protocol;

namespace KvCloud.Cli.Commands;

/// <summary>`kv user list|add|remove|passwd|grant|revoke|add-token|remove-token`.</summary>
internal static class UserCommands
{
    private const string NewPasswordFile = "--new-password-file";

    public static Command Create(CommandRunner runner) =>
        new("user", "Who may log in, and what they may do. Changes go to the leader.")
        {
            List(runner),
            Add(runner),
            Remove(runner),
            Passwd(runner),
            Change(runner, "grant", "Give a user rights, or a role.", isGranted: true),
            Change(runner, "revoke", "Take rights, or a role, from a user.", isGranted: false),
            AddToken(runner),
            RemoveToken(runner),
        };

    private static Command List(CommandRunner runner)
    {
        var command = new Command("list", "Print the users, without any secret.");
        runner.Bind(command, async (context, cancellationToken) =>
        {
            KvAccess access = await context.Client.GetAccessAsync(
                new KvReadOptions { Endpoint = context.Endpoint }, cancellationToken);
            AccessDisplay.Print(context, access.Users);
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command Add(CommandRunner runner)
    {
        Argument<string> name = NameOf();
        Option<string?> file = PasswordFileOption();
        var none = new Option<bool>("--no-password")
        {
            Description = "The user comes by a token, or by a client certificate.",
        };
        var command = new Command("add", "Add a user, who has no rights yet. Asks for the password on a terminal.")
        {
            name, file, none,
        };
        runner.Bind(command, async (context, cancellationToken) =>
        {
            var change = new KvAccessChange
            {
                Kind = AccessChangeKind.ADD_USER,
                Name = context.Get(name),
                Password = context.Get(none)
                    ? null
                    : Passwords.AskNew(
                        context.Get(file), $"{NewPasswordFile} or --no-password", context.Console),
            };
            await context.Client.ChangeAccessAsync(change, null, cancellationToken);
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command Remove(CommandRunner runner)
    {
        Argument<string> name = NameOf();
        var command = new Command("remove", "Remove a user: whoever is logged in as that is so no more.") { name };
        Bind(runner, command, context => new KvAccessChange
        {
            Kind = AccessChangeKind.REMOVE_USER,
            Name = context.Get(name),
        });
        return command;
    }

    private static Command Passwd(CommandRunner runner)
    {
        Argument<string> name = NameOf();
        Option<string?> file = PasswordFileOption();
        var command = new Command("passwd", "Set a user's password; one's own needs no right. Ends logins by the old.")
        {
            name, file,
        };
        Bind(runner, command, context => new KvAccessChange
        {
            Kind = AccessChangeKind.SET_PASSWORD,
            Name = context.Get(name),
            Password = Passwords.AskNew(context.Get(file), NewPasswordFile, context.Console),
        });
        return command;
    }

    private static Command Change(CommandRunner runner, string verb, string description, bool isGranted)
    {
        Argument<string> name = NameOf();
        var grant = new GrantOptions();
        var role = new Option<string?>("--role") { Description = "A role, in place of rights.", HelpName = "role" };
        var command = new Command(verb, description) { name };
        grant.AddTo(command);
        command.Add(role);
        Bind(runner, command, context =>
        {
            if (context.Get(role) is not { } given)
            {
                return new KvAccessChange
                {
                    Kind = isGranted ? AccessChangeKind.GRANT_TO_USER : AccessChangeKind.REVOKE_FROM_USER,
                    Name = context.Get(name),
                    Grant = grant.Of(context),
                };
            }

            return context.Parsed.GetValue(grant.Rights) is null
                ? new KvAccessChange
                {
                    Kind = isGranted ? AccessChangeKind.ASSIGN_ROLE : AccessChangeKind.UNASSIGN_ROLE,
                    Name = context.Get(name),
                    Role = given,
                }
                : throw new UsageException("rights and --role are mutually exclusive");
        });
        return command;
    }

    private static Command AddToken(CommandRunner runner)
    {
        Argument<string> name = NameOf();
        var token = new Argument<string>("token") { Description = "The token's name." };
        var lifetime = new Option<TimeSpan?>("--lifetime")
        {
            Description = "How long it is good: 12h. Default: until it is removed.",
            HelpName = "time",
            CustomParser = result => GlobalOptions.Parse(result, GlobalOptions.ParsePositiveTime),
        };
        var command = new Command("add-token", "Make a token for a user, and print it: it cannot be printed again.")
        {
            name, token, lifetime,
        };
        runner.Bind(command, async (context, cancellationToken) =>
        {
            string secret = KvAccessChange.NewToken();
            var change = new KvAccessChange
            {
                Kind = AccessChangeKind.ADD_TOKEN,
                Name = context.Get(name),
                Token = secret,
                TokenName = context.Get(token),
                TokenExpires = context.Get(lifetime) is { } time ? DateTimeOffset.UtcNow + time : null,
            };
            await context.Client.ChangeAccessAsync(change, null, cancellationToken);
            context.Console.Out.WriteLine(secret);
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command RemoveToken(CommandRunner runner)
    {
        Argument<string> name = NameOf();
        var token = new Argument<string>("token") { Description = "The token's name." };
        var command = new Command("remove-token", "Take a token from a user, and end the logins by it.")
        {
            name, token,
        };
        Bind(runner, command, context => new KvAccessChange
        {
            Kind = AccessChangeKind.REMOVE_TOKEN,
            Name = context.Get(name),
            TokenName = context.Get(token),
        });
        return command;
    }

    private static Argument<string> NameOf() => new("user") { Description = "The user's name." };

    private static Option<string?> PasswordFileOption() => new(NewPasswordFile)
    {
        Description = "Take the new password from the first line of this file; - is standard input.",
        HelpName = "file",
    };

    private static void Bind(CommandRunner runner, Command command, Func<CommandContext, KvAccessChange> changeOf) =>
        runner.Bind(command, async (context, cancellationToken) =>
        {
            await context.Client.ChangeAccessAsync(changeOf(context), null, cancellationToken);
            return ExitCode.Ok;
        });
}
