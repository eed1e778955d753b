using System.CommandLine;
using KvCloud.Backup.Stores;

namespace KvCloud.Cli.Commands;

/// <summary>`kv backup create|list|verify|restore|prune`.</summary>
internal static class BackupCommands
{
    public const string Name = "backup";

    public static Command Create(CommandRunner runner, GlobalOptions globals, KvConsole console) =>
        new(Name, "Copy the database to an archive, and make clusters from it, as of any moment.")
        {
            BackupCreateCommand.Create(runner),
            BackupListCommand.Create(globals, console),
            BackupVerifyCommand.Create(console),
            BackupRestoreCommand.Create(globals, console),
            BackupPruneCommand.Create(globals, console),
        };

    /// <summary>The archive that a command reads.</summary>
    public static Option<string> From() => Archive("--from");

    public static Option<string> Archive(string name) => new(name)
    {
        Description = "The archive: a path, file:///path, or s3://bucket/prefix?endpoint=URL&region=NAME. Credentials"
            + " of S3 come from the environment or a profile.",
        HelpName = "url",
        Required = true,
    };

    /// <summary>Runs a command that needs an archive but no cluster.</summary>
    public static void Bind(
        Command command, Option<string> archive, Func<ParseResult, IArchiveStore, CancellationToken, Task<int>> run) =>
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using Demo.StopSignals stop = Backup.BackupStop.Listen(cancellationToken);
            using IArchiveStore store = ArchiveAddress.Open(parsed.GetValue(archive)!);
            return await run(parsed, store, stop.Requested);
        });
}
