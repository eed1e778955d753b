using System.Globalization;
using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication.Restore;

namespace KvCloud.Node;

/// <summary>The command line of <see cref="RestoreCommand"/>.</summary>
internal sealed record RestoreLine(RestoreRequest Request, bool Verify, bool ShowHelp)
{
    private const int MaxClusterIdChars = 200;

    private static readonly string[] Known =
    [
        "staging", "target", "nodes", "cluster-id", "until-version", "until-unix-ms", "until-slot", "first-version",
    ];

    public static string Usage() =>
        """
        Usage: KvCloud.Node restore --staging DIR --target DIR --nodes 1,2,3 --cluster-id ID [options]

          --staging DIR          data/: the files of a snapshot; log/: blocks of its log, in files *.log
          --target DIR           where node_N is made for each node; not there yet, or empty
          --nodes 1,2,3          the voters of the new group
          --cluster-id ID        its id: another than that of the backup
          --until-version N      restore up to this version, or
          --until-unix-ms N      up to the first writes that were proposed later, or
          --until-slot N         up to this slot; without any of them: all
          --first-version N      every version of the new group is higher; give the same where replicas are
                                 restored on several machines. Default: above all that the old group can have issued
          --verify               restore to the target, read every row of it, say how many there are, remove it
        Exit codes: 0 done, 2 what is asked for cannot be, 3 the target cannot be used, 4 the backup is damaged or
        incomplete, or a disk failed. Each line of output is a JSON object; the last one has "stage": "restored".
        """;

    /// <exception cref="RestoreRefusedException">It is wrong; the message names all that is.</exception>
    public static RestoreLine Parse(IReadOnlyList<string> args)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        var mistakes = new List<string>();
        bool verify = false;
        for (int i = 0; i < args.Count; i++)
        {
            string name = args[i];
            if (name is "--help" or "-h")
            {
                return new RestoreLine(new RestoreRequest("", "", [], "", RestorePoint.End), false, ShowHelp: true);
            }

            if (name == "--verify")
            {
                verify = true;
            }
            else if (!name.StartsWith("--", StringComparison.Ordinal) || !Known.Contains(name[2..]))
            {
                mistakes.Add($"\"{name}\" is not known");
            }
            else if (i + 1 == args.Count || !values.TryAdd(name[2..], args[++i]))
            {
                mistakes.Add($"{name} needs one value");
            }
        }

        var reader = new Values(values, mistakes);
        RestoreRequest request = reader.Request();
        return mistakes.Count == 0
            ? new RestoreLine(request, verify, ShowHelp: false)
            : throw new RestoreRefusedException(RestoreFlaw.Request, $"restore: {string.Join("; ", mistakes)}");
    }

    private sealed class Values(Dictionary<string, string> values, List<string> mistakes)
    {
        public RestoreRequest Request()
        {
            long? version = Number("until-version");
            long? unixMs = Number("until-unix-ms");
            long? slot = Number("until-slot");
            if (new[] { version, unixMs, slot }.Count(given => given is not null) > 1)
            {
                mistakes.Add("only one of --until-version, --until-unix-ms and --until-slot can be given");
            }

            string clusterId = Text("cluster-id");
            if (clusterId.Length > MaxClusterIdChars || clusterId.Any(char.IsControl))
            {
                mistakes.Add($"--cluster-id has at most {MaxClusterIdChars} characters and no line break");
            }

            return new RestoreRequest(
                Text("staging"),
                Text("target"),
                Nodes(),
                clusterId,
                new RestorePoint(
                    version is { } at ? new CommitVersion(at) : null, unixMs, slot is { } last ? new Slot(last) : null))
            {
                FirstVersion = Number("first-version") is { } first ? new CommitVersion(first) : null,
            };
        }

        private string Text(string name)
        {
            if (values.TryGetValue(name, out string? text) && text.Length > 0)
            {
                return text;
            }

            mistakes.Add($"--{name} is missing");
            return "";
        }

        private int[] Nodes()
        {
            var nodes = new List<int>();
            foreach (string part in Text("nodes").Split(',', StringSplitOptions.RemoveEmptyEntries))
            {
                if (int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int node)
                    && !nodes.Contains(node))
                {
                    nodes.Add(node);
                }
                else
                {
                    mistakes.Add($"--nodes has \"{part}\", which is no node id, or there twice");
                }
            }

            return [.. nodes.Order()];
        }

        private long? Number(string name)
        {
            if (!values.TryGetValue(name, out string? text))
            {
                return null;
            }

            if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number))
            {
                return number;
            }

            mistakes.Add($"--{name} is \"{text}\", which is no whole number");
            return null;
        }
    }
}
