using System.CommandLine;
using System.CommandLine.Parsing;
using KvCloud.Backup;
using KvCloud.Backup.Leases;
using KvCloud.Backup.Source;
using KvCloud.Certificates;
using KvCloud.Cli.Commands;
using KvCloud.Client;
using KvCloud.LocalCluster;

namespace KvCloud.Cli;

/// <summary>Runs `kv`: from arguments to exit code.</summary>
internal static class KvProgram
{
    private static readonly TimeSpan UsualTimeout = TimeSpan.FromSeconds(10);

    public static async Task<int> RunAsync(
        IReadOnlyList<string> arguments, KvConsole console, CancellationToken cancellationToken)
    {
        var globals = new GlobalOptions();
        RootCommand root = BuildRoot(globals, console);
        ParseResult parsed = root.Parse(arguments);
        if (parsed.Errors.Count > 0)
        {
            foreach (ParseError error in parsed.Errors)
            {
                console.WriteError(error.Message);
            }

            console.Error.WriteLine("Try 'kv --help'.");
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

    private static bool HandlesSignals(Command command) => command.Name == DemoCommand.Name
        || command.Parents.Any(parent => parent.Name == BackupCommands.Name);

    private static RootCommand BuildRoot(GlobalOptions globals, KvConsole console)
    {
        var root = new RootCommand("kv: the command line of KvCloud, the replicated transactional key-value store.");
        globals.AddTo(root);
        var runner = new CommandRunner(globals, console, UsualTimeout);
        root.Add(KeyCommands.Get(runner));
        root.Add(KeyCommands.Set(runner));
        root.Add(KeyCommands.Delete(runner));
        root.Add(RangeCommand.Create(runner));
        root.Add(StatusCommand.Create(runner));
        root.Add(DoctorCommand.Create(runner));
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
