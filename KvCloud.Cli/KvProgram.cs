using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using KvCloud.Backup;
using KvCloud.Backup.Leases;
using KvCloud.Backup.Source;
using KvCloud.Certificates;
using KvCloud.Cli.Commands;
using KvCloud.Cli.Shell;
using KvCloud.Client;
using KvCloud.LocalCluster;

namespace KvCloud.Cli;

/// <summary>Runs `kv`: from arguments to exit code.</summary>
internal static class KvProgram
{
    private static readonly TimeSpan UsualTimeout = TimeSpan.FromSeconds(10);

    public static Task<int> RunAsync(
        IReadOnlyList<string> arguments, KvConsole console, CancellationToken cancellationToken) =>
        RunAsync(arguments, console, null, cancellationToken);

    /// <param name="arguments">The command line.</param>
    /// <param name="console">Input and output.</param>
    /// <param name="shell">The shell that the command was typed in; null without one.</param>
    /// <param name="cancellationToken">Stops the command.</param>
    public static async Task<int> RunAsync(
        IReadOnlyList<string> arguments, KvConsole console, ShellSession? shell, CancellationToken cancellationToken)
    {
        var globals = new GlobalOptions();
        RootCommand root = BuildRoot(globals, console, shell);
        ParseResult parsed = root.Parse(arguments);
        if (parsed.Errors.Count > 0)
        {
            foreach (ParseError error in parsed.Errors)
            {
                console.WriteError(error.Message);
            }

            string command = string.Join(' ', Names(parsed.CommandResult.Command));
            console.Error.WriteLine($"Try '{command} --help'.");
            return ExitCode.Usage;
        }

        var configuration = new InvocationConfiguration
        {
            Output = console.Out,
            Error = console.Error,
            EnableDefaultExceptionHandler = false,
        };
        if (HandlesSignals(parsed.CommandResult.Command))
        {
            // A graceful stop takes longer than other commands are given.
            configuration.ProcessTerminationTimeout = null;
        }

        try
        {
            return await parsed.InvokeAsync(configuration, cancellationToken);
        }
        catch (Exception exception) when (Explain(exception, console) is { } code)
        {
            return code;
        }
        finally
        {
            await FlushAsync(console);
        }
    }

    /// <summary>The words of a command, from `kv` on.</summary>
    private static IEnumerable<string> Names(Symbol command) =>
        command is RootCommand ? ["kv"] : Names(command.Parents.First()).Append(command.Name);

    private static bool HandlesSignals(Command command) => command.Name is DemoCommand.Name or ShellCommand.Name
        || command.Parents.Any(parent => parent.Name == BackupCommands.Name);

    internal static RootCommand BuildRoot(GlobalOptions globals, KvConsole console, ShellSession? shell)
    {
        var root = new RootCommand("kv: the command line of KvCloud, the replicated transactional key-value store.");
        // A word that begins with a slash is a path here, to people and to the completions of their shells.
        HelpOption help = root.Options.OfType<HelpOption>().Single();
        help.Aliases.Remove("/h");
        help.Aliases.Remove("/?");
        globals.AddTo(root);
        var runner = new CommandRunner(globals, console, UsualTimeout, shell);
        root.Add(KeyCommands.Get(runner));
        root.Add(KeyCommands.Set(runner));
        root.Add(KeyCommands.Delete(runner));
        root.Add(RangeCommand.Create(runner));
        root.Add(StatusCommand.Create(runner));
        root.Add(DoctorCommand.Create(runner));
        root.Add(TopCommand.Create(runner));
        root.Add(TailCommand.Create(runner));
        root.Add(BenchCommand.Create(runner));
        root.Add(ShellCommand.Create(runner, globals));
        root.Add(CompletionCommand.Create(console));
        root.Add(ClusterCommands.Stats(runner));
        root.Add(ClusterCommands.Ping(runner));
        root.Add(ColumnFamilyCommands.Create(runner));
        root.Add(MemberCommands.Create(runner));
        root.Add(UserCommands.Create(runner));
        root.Add(RoleCommands.Create(runner));
        root.Add(TransactionCommand.Create(runner));
        root.Add(ImportCommand.Create(runner));
        root.Add(ExportCommand.Create(runner));
        root.Add(VerifyCommand.Create(runner));
        root.Add(ConfigCommands.Create(globals, console));
        root.Add(BackupCommands.Create(runner, globals, console));
        root.Add(RecoverCommands.Create(console));
        root.Add(CertificateCommands.Create(globals, console));
        root.Add(DemoCommand.Create(console));
        root.Add(BankCommand.Create(runner));
        root.Add(BankCommand.CreateWorker(runner));
        return root;
    }

    /// <summary>Prints one sentence for an error that the user can fix; returns null for bugs in `kv`.</summary>
    private static int? Explain(Exception exception, KvConsole console)
    {
        int? code = exception switch
        {
            KvCloudException failure => ExitCode.For(failure),
            UsageException or ArgumentException or LocalClusterException or CertificateRequestException =>
                ExitCode.Usage,
            ArchiveUnavailableException or SourceException or LeaseConflictException => ExitCode.Unavailable,
            ArchiveException or CertificateException => ExitCode.No,
            OperationCanceledException => ExitCode.Interrupted,
            IOException or UnauthorizedAccessException or InvalidDataException => ExitCode.No,
            _ => null,
        };
        if (code is not null)
        {
            console.WriteError(exception is OperationCanceledException ? "interrupted" : exception.Message);
            if (exception is KvCloudException failed && NextStep.Of(failed) is { } next)
            {
                console.Error.WriteLine($"What to do: {next}.");
            }
        }

        return code;
    }

    private static async Task FlushAsync(KvConsole console)
    {
        try
        {
            await console.Out.FlushAsync();
            await console.Output.FlushAsync();
        }
        catch (IOException)
        {
            // The reader of the pipe, such as head, has closed it.
        }
    }
}
