using System.CommandLine;
using KvCloud.Cli.Configuration;
using KvCloud.Cli.Output;

namespace KvCloud.Cli.Commands;

/// <summary>`kv config list|show|add|remove|use|path|check`: clusters with names, and settings of a node.</summary>
internal static class ConfigCommands
{
    private const string Unset = "-";

    public static Command Create(GlobalOptions globals, KvConsole console) =>
        new("config", "Clusters that have names (--cluster NAME), and what a node makes of its settings.")
        {
            List(globals, console),
            Show(globals, console),
            Add(globals, console),
            Remove(globals, console),
            Use(globals, console),
            PathOf(globals, console),
            ConfigCheckCommand.Create(console),
        };

    private static Command List(GlobalOptions globals, KvConsole console)
    {
        var command = new Command("list", "Print the clusters that have names; * is used where none is named.");
        command.SetAction(parsed =>
        {
            KvConfigFile file = globals.ConfigFileOf(parsed);
            globals.PrinterOf(parsed, console).Rows(
                ["cluster", "endpoints", "logs in", "tls"],
                file.Clusters,
                cluster =>
                [
                    cluster.Key + (cluster.Key == file.Current ? "*" : ""),
                    cluster.Value.Endpoints ?? Unset,
                    LoginOf(cluster.Value),
                    cluster.Value.SpeaksTls ? "yes" : "no",
                ],
                (writer, cluster) =>
                {
                    writer.WriteString("name", cluster.Key);
                    writer.WriteBoolean("current", cluster.Key == file.Current);
                    writer.WriteString("endpoints", cluster.Value.Endpoints);
                    writer.WriteString("user", cluster.Value.User);
                    writer.WriteBoolean("tls", cluster.Value.SpeaksTls);
                });
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command Show(GlobalOptions globals, KvConsole console)
    {
        var name = new Argument<string?>("name")
        {
            Description = "The cluster. Default: the one that commands use now.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var command = new Command("show", "Print how a cluster is reached, without secrets.") { name };
        command.SetAction(parsed =>
        {
            ClusterProfile profile = parsed.GetValue(name) is { } given
                ? globals.ConfigFileOf(parsed).Cluster(given)
                : globals.ProfileOf(parsed);
            globals.PrinterOf(parsed, console).Figures(
            [
                ("endpoints", profile.Endpoints ?? GlobalOptions.DefaultEndpoints),
                ("user", profile.User),
                ("password", profile.Password is null ? null : "set"),
                ("password_file", profile.PasswordFile),
                ("token", profile.Token is null ? null : "set"),
                ("token_file", profile.TokenFile),
                ("tls", profile.SpeaksTls),
                ("ca", profile.Ca),
                ("cert", profile.Certificate),
                ("key", profile.Key),
                ("consistency", profile.Consistency),
                ("timeout", profile.Timeout),
            ]);
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command Add(GlobalOptions globals, KvConsole console)
    {
        Argument<string> name = NameOf();
        var command = new Command(
            "add",
            "Give a cluster a name: what --endpoints, --user, --password-file, --token-file, --tls, --ca, --cert,"
            + " --key, --consistency and --timeout say is kept. The first becomes the current one.")
        {
            name,
        };
        command.SetAction(parsed =>
        {
            KvConfigFile file = globals.ConfigFileOf(parsed);
            string given = parsed.GetRequiredValue(name);
            ClusterProfile profile = globals.GivenProfile(parsed);
            if (profile.Endpoints is null)
            {
                throw new UsageException($"say where it is: kv config add {given} --endpoints host:port,host:port");
            }

            file.Set(given, profile);
            file.Save();
            console.Error.WriteLine(
                file.Current == given
                    ? $"commands without --cluster go to {given} now"
                    : $"use it with --cluster {given}, or for all commands: kv config use {given}");
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command Remove(GlobalOptions globals, KvConsole console)
    {
        Argument<string> name = NameOf();
        var command = new Command("remove", "Forget a cluster's name; the cluster itself stays as it is.") { name };
        command.SetAction(parsed => Change(globals, parsed, file => file.Remove(parsed.GetRequiredValue(name))));
        return command;
    }

    private static Command Use(GlobalOptions globals, KvConsole console)
    {
        Argument<string> name = NameOf();
        var command = new Command("use", "Have commands without --cluster and --endpoints go to this cluster.")
        {
            name,
        };
        command.SetAction(parsed => Change(globals, parsed, file => file.Use(parsed.GetRequiredValue(name))));
        return command;
    }

    private static Command PathOf(GlobalOptions globals, KvConsole console)
    {
        var command = new Command("path", "Print where the file with the clusters is.");
        command.SetAction(parsed =>
        {
            console.Out.WriteLine(Path.GetFullPath(globals.ConfigPathOf(parsed)));
            return ExitCode.Ok;
        });
        return command;
    }

    private static int Change(GlobalOptions globals, ParseResult parsed, Action<KvConfigFile> change)
    {
        KvConfigFile file = globals.ConfigFileOf(parsed);
        change(file);
        file.Save();
        return ExitCode.Ok;
    }

    private static Argument<string> NameOf() => new("name") { Description = "The cluster's name." };

    private static string LoginOf(ClusterProfile profile) => profile switch
    {
        { User: { } user } => $"as {user}",
        { Token: not null } or { TokenFile: not null } => "by token",
        { Certificate: not null } => "by certificate",
        _ => Unset,
    };
}
