using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication.Restore;

namespace KvCloud.Node.Offline;

/// <summary>The command line of <see cref="RestoreCommand"/>; the request is null if help is asked for.</summary>
internal sealed record RestoreArguments(RestoreRequest? Request, bool Verify)
{
    private static readonly string[] Known =
    [
        "staging", "source-cluster-id", "target", "nodes", "cluster-id", "until-version", "until-unix-ms",
        "until-slot", "first-version",
    ];

    public static string Usage() =>
        """
        Usage: KvCloud.Node restore --staging DIR --source-cluster-id ID --target DIR --nodes 1,2,3 --cluster-id ID
                 [options]

          --staging DIR          data/: the files of a snapshot; log/: blocks of the log after it, in files *.log
          --source-cluster-id ID the id of the cluster that was backed up
          --target DIR           the data root to create, with node_N for each node; must be missing or empty
          --nodes 1,2,3          the voters of the new group
          --cluster-id ID        the id of the new group; must differ from the backup's
          --until-version N      restore up to this version, or
          --until-unix-ms N      up to the first writes that were proposed later, or
          --until-slot N         up to this slot. Default: the end of the log
          --first-version N      every version of the new group is higher; give the same number on every machine
                                 on which replicas are restored. Default: above all that the old group can have issued
          --verify               restore to the target, read and count every row, then remove the target
        Exit codes: 0 done, 2 the request is wrong, 3 the target cannot be used, 4 the backup is damaged or
        incomplete, or a disk failed. Each line of output is a JSON object; the last one has "stage": "restored", or
        "verified" with --verify.
        """;

    /// <exception cref="RestoreRefusedException">There are mistakes; the message names every one.</exception>
    public static RestoreArguments Parse(IReadOnlyList<string> args)
    {
        var arguments = new SubcommandArguments(RestoreCommand.Name, args, Known, "verify");
        if (arguments.ShowHelp)
        {
            return new RestoreArguments(null, false);
        }

        long? version = arguments.Number("until-version");
        long? unixMs = arguments.Number("until-unix-ms");
        long? slot = arguments.Number("until-slot");
        arguments.Require(
            new[] { version, unixMs, slot }.Count(given => given is not null) <= 1,
            "only one of --until-version, --until-unix-ms and --until-slot can be given");
        var request = new RestoreRequest(
            arguments.Text("staging"),
            arguments.ClusterId("source-cluster-id"),
            arguments.Text("target"),
            arguments.Nodes(),
            arguments.ClusterId("cluster-id"),
            new RestorePoint(
                version is { } at ? new CommitVersion(at) : null, unixMs, slot is { } last ? new Slot(last) : null))
        {
            FirstVersion = arguments.Number("first-version") is { } first ? new CommitVersion(first) : null,
        };
        arguments.Check();
        return new RestoreArguments(request, arguments.Has("verify"));
    }
}
