using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using KvCloud.Backup.Catalog;
using KvCloud.Backup.Stores;
using KvCloud.Cli.Doctor;
using KvCloud.Cli.Output;
using KvCloud.Client;
using KvCloud.Monitoring;

namespace KvCloud.Cli.Commands;

/// <summary>`kv doctor`: what is wrong with a cluster, and what to do.</summary>
internal static class DoctorCommand
{
    private static readonly TimeSpan UsualBackupAge = TimeSpan.FromDays(1);

    public static Command Create(CommandRunner runner)
    {
        var archive = new Option<string?>("--archive")
        {
            Description = "Also look how old the newest backup in this archive is: a path, file:///path or s3://….",
            HelpName = "url",
        };
        var age = new Option<TimeSpan?>("--backup-age")
        {
            Description = "How old the newest backup may be. Default: 24h.",
            HelpName = "time",
            CustomParser = result => GlobalOptions.Parse(result, GlobalOptions.ParsePositiveTime),
        };
        var command = new Command(
            "doctor",
            "Say what is wrong with the cluster, and what to do about it. Exit code 0: nothing; 1: at least a warning;"
            + " 3: no node answers.")
        {
            archive, age,
        };
        runner.Bind(command, async (context, cancellationToken) =>
        {
            using var http = new NodeHttp(context.Settings);
            ClusterFacts facts;
            try
            {
                var gatherer = new FactGatherer(context.Client, new NodeReader(http.Http));
                facts = await gatherer.GatherAsync(cancellationToken);
            }
            catch (KvCloudException exception) when (ExitCode.For(exception) == ExitCode.Unavailable)
            {
                Print(context.Printer, [NobodyAnswers(context, exception)]);
                return ExitCode.Unavailable;
            }

            if (context.Get(archive) is { } address)
            {
                facts = facts with
                {
                    Archive = await ArchiveAsync(address, context.Get(age) ?? UsualBackupAge, cancellationToken),
                };
            }

            IReadOnlyList<Finding> findings = Diagnosis.Of(facts);
            Print(context.Printer, findings);
            context.Printer.Sentence(Summary(facts, findings));
            return findings.Any(finding => finding.Severity > Severity.Info) ? ExitCode.No : ExitCode.Ok;
        });
        return command;
    }

    public static string NameOf(Severity severity) => severity switch
    {
        Severity.Error => "error",
        Severity.Warning => "warning",
        _ => "info",
    };

    private static Finding NobodyAnswers(CommandContext context, KvCloudException exception) => new(
        Severity.Error,
        "nobody-answers",
        Finding.Cluster,
        exception.Message,
        $"see whether the replicas run at {context.Settings.ConnectionString}, whether this machine reaches them"
        + " (kv ping --endpoint HOST:PORT), and whether they want TLS (--ca FILE)",
        Pages.Health);

    private static async Task<ArchiveFacts> ArchiveAsync(
        string address, TimeSpan limit, CancellationToken cancellationToken)
    {
        using IArchiveStore store = ArchiveAddress.Open(address);
        ArchiveCatalog catalog = await ArchiveCatalog.LoadAsync(store, cancellationToken);
        long newest = catalog.Ranges.Select(range => range.To.UnixMs).DefaultIfEmpty().Max();
        return new ArchiveFacts(
            store.Address.ToString()!,
            newest > 0 ? DateTimeOffset.FromUnixTimeMilliseconds(newest) : null,
            limit,
            [.. catalog.Problems]);
    }

    private static void Print(Printer printer, IReadOnlyList<Finding> findings)
    {
        if (!printer.IsTable)
        {
            printer.Rows(
                ["severity", "code", "where", "what", "do", "page"],
                findings,
                finding =>
                [
                    NameOf(finding.Severity), finding.Code, finding.Where, finding.What, finding.Do, finding.Page,
                ],
                Write);
            return;
        }

        foreach (Finding finding in findings)
        {
            printer.Block(NameOf(finding.Severity), $"{finding.Where}: {finding.What}",
            [
                ("do", finding.Do),
                ("see", finding.Page),
            ]);
        }
    }

    private static void Write(Utf8JsonWriter writer, Finding finding)
    {
        writer.WriteString("severity", NameOf(finding.Severity));
        writer.WriteString("code", finding.Code);
        writer.WriteString("where", finding.Where);
        writer.WriteString("what", finding.What);
        writer.WriteString("do", finding.Do);
        writer.WriteString("page", finding.Page);
    }

    private static string Counted(int count, string what) =>
        string.Create(CultureInfo.InvariantCulture, $"{count} {what}{(count == 1 ? "" : "s")}");

    private static string Summary(ClusterFacts facts, IReadOnlyList<Finding> findings)
    {
        int errors = findings.Count(finding => finding.Severity == Severity.Error);
        int warnings = findings.Count(finding => finding.Severity == Severity.Warning);
        int answered = facts.Now.Members.Count(member => member.Answers);
        string asked = $"asked {facts.Now.Members.Count} replicas, {answered} answered";
        return errors + warnings == 0
            ? $"{asked}; nothing is wrong"
            : $"{asked}; {Counted(errors, "error")}, {Counted(warnings, "warning")}";
    }
}
