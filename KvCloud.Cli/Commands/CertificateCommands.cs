using System.CommandLine;
using System.Globalization;
using KvCloud.Certificates;
using KvCloud.Cli.Output;

namespace KvCloud.Cli.Commands;

/// <summary>`kv cert create-ca|create-node|create-client|show`: makes and reads certificates of a cluster.</summary>
internal static class CertificateCommands
{
    private const string DefaultDirectory = "certificates";
    private const string DefaultCluster = "kvcloud";

    public static Command Create(GlobalOptions globals, KvConsole console) =>
        new("cert", "Make and read the certificates of a cluster's nodes and clients (docs/security.md).")
        {
            CreateAuthority(globals, console),
            CreateNode(globals, console),
            CreateClient(globals, console),
            CertificateShowCommand.Create(globals, console),
        };

    private static Command CreateAuthority(GlobalOptions globals, KvConsole console)
    {
        var name = new Option<string>("--name")
        {
            Description = "What its common name begins with; random digits follow. Default: KvCloud CA.",
            HelpName = "text",
            DefaultValueFactory = _ => "KvCloud CA",
        };
        Option<string> directory = Directory("--dir", "Where ca.crt and ca.key are written.");
        Option<int> days = Days(CertificateLifetimes.AuthorityDays);
        Option<bool> force = Force();
        var command = new Command("create-ca", "Make a CA: ca.crt, which all trust, and ca.key, which signs.")
        {
            name, directory, days, force,
        };
        command.SetAction(parsed => Write(
            globals,
            console,
            parsed,
            CertificatePaths.OfAuthority(parsed.GetRequiredValue(directory)),
            CertificateAuthority.Create(
                parsed.GetRequiredValue(name), parsed.GetValue(days), TimeProvider.System),
            parsed.GetValue(force)));
        return command;
    }

    private static Command CreateNode(GlobalOptions globals, KvConsole console)
    {
        var node = new Option<int>("--node")
        {
            Description = "The node's number: its deployment.instance_id.",
            HelpName = "number",
            Required = true,
        };
        var hosts = new Option<string[]>("--host")
        {
            Description = "A DNS name or an address that clients reach the node at; once for each, or with commas.",
            HelpName = "name,...",
            Required = true,
        };
        var also = new Option<int[]>("--also")
        {
            Description = "Another number that the node may take (deployment.replacement_ids); once for each.",
            HelpName = "number",
        };
        var options = new IssueOptions();
        var command = new Command("create-node", "Make a node's certificate: node_N.crt and node_N.key.")
        {
            node, hosts, also,
        };
        options.AddTo(command);
        command.SetAction(parsed =>
        {
            var identity = CertificateIdentity.ForNode(options.ClusterOf(parsed), parsed.GetValue(node));
            string[] names =
            [
                .. parsed.GetRequiredValue(hosts).SelectMany(host => host.Split(',', StringSplitOptions.TrimEntries)),
            ];
            using CertificateAuthority authority = options.AuthorityOf(parsed);
            return Write(
                globals,
                console,
                parsed,
                CertificatePaths.OfNode(options.OutputOf(parsed), identity.NodeId!.Value),
                authority.IssueNode(
                    identity,
                    names,
                    options.DaysOf(parsed),
                    [
                        .. (parsed.GetValue(also) ?? []).Select(
                            number => CertificateIdentity.ForNode(identity.Cluster, number)),
                    ]),
                options.ReplacesIn(parsed),
                options.AuthorityFileOf(parsed));
        });
        return command;
    }

    private static Command CreateClient(GlobalOptions globals, KvConsole console)
    {
        // Not --user, which is who logs in.
        var user = new Option<string>("--name")
        {
            Description = "The user that the certificate names.",
            HelpName = "name",
            Required = true,
        };
        var options = new IssueOptions();
        var command = new Command("create-client", "Make a user's certificate: client_NAME.crt and client_NAME.key.")
        {
            user,
        };
        options.AddTo(command);
        command.SetAction(parsed =>
        {
            var identity = CertificateIdentity.ForUser(options.ClusterOf(parsed), parsed.GetRequiredValue(user));
            using CertificateAuthority authority = options.AuthorityOf(parsed);
            return Write(
                globals,
                console,
                parsed,
                CertificatePaths.OfClient(options.OutputOf(parsed), identity.User!),
                authority.IssueClient(identity, options.DaysOf(parsed)),
                options.ReplacesIn(parsed),
                options.AuthorityFileOf(parsed));
        });
        return command;
    }

    /// <summary>Writes the files, and prints which and until when they are good.</summary>
    /// <param name="authority">The CA to be trusted, which goes beside the files too.</param>
    private static int Write(
        GlobalOptions globals,
        KvConsole console,
        ParseResult parsed,
        CertificatePaths paths,
        IssuedCertificate issued,
        bool replaces,
        string? authority = null)
    {
        PemFile.WritePair(paths.Certificate, paths.Key, issued, replaces);
        string? copy = authority is null ? null : CertificatePaths.AuthorityBeside(paths.Certificate);
        if (copy is not null && !PemFile.CopyIfMissing(authority!, copy))
        {
            copy = null;
        }

        CertificateReport report = CertificateReport.Read(
            paths.Certificate, paths.Key, authorities: null, TimeProvider.System)[0];
        if (globals.FormatOf(parsed) == ValueFormat.Json)
        {
            console.Out.WriteLine(JsonLine.Write(writer =>
            {
                writer.WriteString("certificate", paths.Certificate);
                writer.WriteString("key", paths.Key);
                if (copy is not null)
                {
                    writer.WriteString("ca", copy);
                }

                writer.WriteString("subject", report.Subject);
                writer.WriteString("not_after", report.NotAfter);
            }));
        }
        else
        {
            string until = report.NotAfter.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
            string subject = report.Identity?.ToString() ?? report.Subject;
            console.Out.WriteLine($"{paths.Certificate}\t{subject}, until {until}");
            console.Out.WriteLine($"{paths.Key}\tsecret");
            if (copy is not null)
            {
                console.Out.WriteLine($"{copy}\tthe CA, to trust");
            }
        }

        return ExitCode.Ok;
    }

    private static Option<string> Directory(string name, string description) => new(name)
    {
        Description = $"{description} Default: {DefaultDirectory}.",
        HelpName = "directory",
        DefaultValueFactory = _ => DefaultDirectory,
    };

    private static Option<int> Days(int usual) => new("--days")
    {
        Description = string.Create(CultureInfo.InvariantCulture, $"How long it is good. Default: {usual}."),
        HelpName = "number",
        DefaultValueFactory = _ => usual,
    };

    private static Option<bool> Force() => new("--force")
    {
        Description = "Replace files that are there. A running node takes up its new certificate by itself.",
    };

    /// <summary>What the certificates of nodes and users have in common.</summary>
    private sealed class IssueOptions
    {
        private readonly Option<string> _cluster = new("--cluster")
        {
            Description = $"The cluster's name: its cluster.id. Default: {DefaultCluster}.",
            HelpName = "name",
            DefaultValueFactory = _ => DefaultCluster,
        };

        private readonly Option<string> _authority = Directory("--dir", "Where ca.crt and ca.key are.");

        private readonly Option<string?> _output = new("--out")
        {
            Description = "Where the files are written, and ca.crt where there is none. Default: --dir.",
            HelpName = "directory",
        };

        private readonly Option<int> _days = Days(CertificateLifetimes.LeafDays);
        private readonly Option<bool> _force = Force();

        public void AddTo(Command command)
        {
            command.Add(_cluster);
            command.Add(_authority);
            command.Add(_output);
            command.Add(_days);
            command.Add(_force);
        }

        public string ClusterOf(ParseResult parsed) => parsed.GetRequiredValue(_cluster);

        public string OutputOf(ParseResult parsed) => parsed.GetValue(_output) ?? parsed.GetRequiredValue(_authority);

        public int DaysOf(ParseResult parsed) => parsed.GetValue(_days);

        public bool ReplacesIn(ParseResult parsed) => parsed.GetValue(_force);

        public string AuthorityFileOf(ParseResult parsed) =>
            CertificatePaths.OfAuthority(parsed.GetRequiredValue(_authority)).Certificate;

        public CertificateAuthority AuthorityOf(ParseResult parsed)
        {
            var paths = CertificatePaths.OfAuthority(parsed.GetRequiredValue(_authority));
            return CertificateAuthority.Load(paths.Certificate, paths.Key, TimeProvider.System);
        }
    }
}
