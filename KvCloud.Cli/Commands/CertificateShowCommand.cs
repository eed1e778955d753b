using System.CommandLine;
using System.Globalization;
using KvCloud.Certificates;
using KvCloud.Cli.Output;

namespace KvCloud.Cli.Commands;

/// <summary>`kv cert show`: what is in certificates, and whether they can be used.</summary>
internal static class CertificateShowCommand
{
    public static Command Create(GlobalOptions globals, KvConsole console)
    {
        var files = new Argument<string[]>("file")
        {
            Description = "Certificates, chains or bundles of CAs, in PEM.",
            Arity = ArgumentArity.OneOrMore,
        };
        var key = new Option<string?>("--key")
        {
            Description = "The key to compare with. Default: the file with the same name and .key, if there is one.",
            HelpName = "file",
        };
        var authorities = new Option<string?>("--ca")
        {
            Description = "The CAs that it must chain to. Default: ca.crt beside it, if there is one.",
            HelpName = "file",
        };
        var command = new Command(
            "show", "Print certificates. Exits with 1 if one is expired, or its key or its CA is another's.")
        {
            files, key, authorities,
        };
        command.SetAction(parsed =>
        {
            string[] paths = parsed.GetRequiredValue(files);
            if (paths.Length > 1 && parsed.GetValue(key) is not null)
            {
                throw new UsageException("--key is that of one certificate");
            }

            bool asJson = globals.FormatOf(parsed) == ValueFormat.Json;
            bool isUsable = true;
            foreach (CertificateReport report in paths.SelectMany(path => CertificateReport.Read(
                path,
                parsed.GetValue(key) ?? CertificatePaths.KeyBeside(path),
                parsed.GetValue(authorities) ?? AuthorityBeside(path),
                TimeProvider.System)))
            {
                Print(console, report, asJson);
                isUsable &= report.IsUsable;
            }

            return isUsable ? ExitCode.Ok : ExitCode.No;
        });
        return command;
    }

    private static string? AuthorityBeside(string path)
    {
        string file = CertificatePaths.AuthorityBeside(path);
        return File.Exists(file) ? file : null;
    }

    private static void Print(KvConsole console, CertificateReport report, bool asJson)
    {
        if (asJson)
        {
            console.Out.WriteLine(JsonLine.Write(writer => WriteJson(writer, report)));
            return;
        }

        console.Out.WriteLine(report.File);
        foreach ((string name, string value) in Lines(report))
        {
            console.Out.WriteLine($"  {name,-11} {value}");
        }
    }

    private static IEnumerable<(string Name, string Value)> Lines(CertificateReport report)
    {
        yield return ("subject", report.Subject);
        yield return ("for", report switch
        {
            { Identity.NodeId: { } node } => string.Create(
                CultureInfo.InvariantCulture, $"node {node} of cluster {report.Identity.Cluster}"),
            { Identity.User: { } user } => $"user {user} of cluster {report.Identity.Cluster}",
            { IsAuthority: true } => "signing certificates (a CA)",
            _ => "nobody that KvCloud knows",
        });
        if (report.Names.All.Any())
        {
            yield return ("names", string.Join(", ", report.Names.All));
        }

        yield return ("issuer", report.Issuer);
        yield return ("valid", $"{Time(report.NotBefore)} to {Time(report.NotAfter)}, {Left(report)}");
        yield return ("serial", report.Serial);
        yield return ("sha-256", report.Fingerprint);
        if (report.KeyMatches is { } matches)
        {
            yield return ("key", matches ? "matches" : "is another's");
        }

        if (report.ChainProblem is { } problem)
        {
            yield return ("chain", problem.Length == 0 ? "leads to the CA" : $"does not lead to the CA: {problem}");
        }
    }

    private static void WriteJson(System.Text.Json.Utf8JsonWriter writer, CertificateReport report)
    {
        writer.WriteString("file", report.File);
        writer.WriteString("subject", report.Subject);
        writer.WriteString("issuer", report.Issuer);
        writer.WriteBoolean("ca", report.IsAuthority);
        if (report.Identity is { } identity)
        {
            writer.WriteString("cluster", identity.Cluster);
            if (identity.NodeId is { } node)
            {
                writer.WriteNumber("node_id", node);
            }
            else
            {
                writer.WriteString("user", identity.User);
            }
        }

        writer.WriteStartArray("names");
        foreach (string name in report.Names.All)
        {
            writer.WriteStringValue(name);
        }

        writer.WriteEndArray();
        writer.WriteString("not_before", report.NotBefore);
        writer.WriteString("not_after", report.NotAfter);
        writer.WriteNumber("days_left", report.DaysLeft);
        writer.WriteString("serial", report.Serial);
        writer.WriteString("sha256", report.Fingerprint);
        if (report.KeyMatches is { } matches)
        {
            writer.WriteBoolean("key_matches", matches);
        }

        if (report.ChainProblem is { } problem)
        {
            writer.WriteBoolean("chains_to_ca", problem.Length == 0);
            writer.WriteString("chain_problem", problem);
        }

        writer.WriteBoolean("usable", report.IsUsable);
    }

    private static string Left(CertificateReport report) => report.IsCurrent
        ? string.Create(CultureInfo.InvariantCulture, $"{report.DaysLeft} days left")
        : report.DaysLeft < 0 ? "expired" : "not yet";

    private static string Time(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture) + "Z";
}
