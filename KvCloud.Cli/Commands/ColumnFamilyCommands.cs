using System.CommandLine;

namespace KvCloud.Cli.Commands;

/// <summary>`kv cf list|create|drop`.</summary>
internal static class ColumnFamilyCommands
{
    public static Command Create(CommandRunner runner)
    {
        var list = new Command("list", "Print the names of the column families.");
        runner.Bind(list, async (context, cancellationToken) =>
        {
            IReadOnlyList<string> names =
                await context.Client.ListColumnFamiliesAsync(context.ReadOptions, cancellationToken);
            if (context.Printer.IsJson || context.IsTableAsked)
            {
                context.Printer.Rows(
                    ["column family"], names, name => [name], (writer, name) => writer.WriteString("name", name));
                return ExitCode.Ok;
            }

            foreach (string name in names)
            {
                context.Console.Out.WriteLine(name);
            }

            return ExitCode.Ok;
        });

        var name = new Argument<string>("name") { Description = "Name of the column family." };
        var create = new Command("create", "Create a column family. Exit code 1 if it exists.") { name };
        runner.Bind(create, async (context, cancellationToken) =>
        {
            await context.Client.CreateColumnFamilyAsync(context.Get(name), cancellationToken);
            return ExitCode.Ok;
        });

        var drop =
            new Command("drop", "Drop a column family with all its keys. Exit code 1 if it does not exist.") { name };
        runner.Bind(drop, async (context, cancellationToken) =>
        {
            await context.Client.DropColumnFamilyAsync(context.Get(name), cancellationToken);
            return ExitCode.Ok;
        });
        return new Command("cf", "Manage column families, which are separate keyspaces.") { list, create, drop };
    }
}
