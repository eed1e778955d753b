using KvCloud.Node.Files;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication.Restore;

namespace KvCloud.Node.Offline;

/// <summary>
/// <c>KvCloud.Node recover plan</c> and <c>apply</c>: a new group out of what is left of one that lost its quorum for
/// good. Without network and without a running node.
/// </summary>
internal static class RecoverCommand
{
    public const string Name = "recover";

    /// <param name="args">What follows the name of the subcommand.</param>
    /// <returns>The exit code of the process.</returns>
    public static int Run(string[] args, TextWriter output, TextWriter error) => SubcommandOutput.Run(
        () =>
        {
            switch (args)
            {
                case ["plan", .. string[] rest]:
                    Plan(new SubcommandArguments("recover plan", rest, ["data", "out"]), output);
                    break;
                case ["apply", .. string[] rest]:
                    Apply(
                        new SubcommandArguments(
                            "recover apply", rest, ["plan", "target", "nodes", "cluster-id", "first-version"]),
                        output);
                    break;
                default:
                    output.WriteLine(Usage());
                    break;
            }
        },
        error);

    private static string Usage() =>
        """
        Usage: KvCloud.Node recover plan --data DIR [--data DIR ...] --out FILE
               KvCloud.Node recover apply --plan FILE --target DIR --nodes 1,2,3 --cluster-id ID [--first-version N]

        For a group that lost its quorum for good. What the lost majority alone knew is lost, acknowledged writes among
        it. Read docs/deployment.md first, and restore a backup instead if it is newer.

          --data DIR             the directory node_N of a stopped replica that is left; it is only read
          --out FILE             the plan: what each knows, what would be taken, what may be lost
          --target DIR           where node_N is made for each node of the new group; not there yet, or empty
        Exit codes: 0 done, 2 what is asked for cannot be, 3 a directory cannot be used, 4 a directory is damaged or a
        disk failed.
        """;

    private static void Plan(SubcommandArguments arguments, TextWriter output)
    {
        if (arguments.ShowHelp)
        {
            output.WriteLine(Usage());
            return;
        }

        IReadOnlyList<string> data = arguments.Texts("data");
        string file = arguments.Text("out");
        arguments.Check();
        RecoveryPlan plan = Recovery().Plan(data, Path.GetFullPath(file) + ".copies");
        SystemFiles.Instance.ReplaceAtomically(
            Path.GetFullPath(file), System.Text.Encoding.UTF8.GetBytes(plan.Write()));
        output.WriteLine(plan.Write());
    }

    private static void Apply(SubcommandArguments arguments, TextWriter output)
    {
        if (arguments.ShowHelp)
        {
            output.WriteLine(Usage());
            return;
        }

        string file = arguments.Text("plan");
        string target = arguments.Text("target");
        IReadOnlyList<int> nodes = arguments.Nodes();
        string clusterId = arguments.ClusterId("cluster-id");
        long? first = arguments.Number("first-version");
        arguments.Check();
        var plan = RecoveryPlan.Read(File.ReadAllText(file), file);
        var request = new RestoreRequest("", plan.ClusterId, target, nodes, clusterId, RestorePoint.End)
        {
            FirstVersion = first is { } above ? new CommitVersion(above) : null,
        };
        RestoreResult result = Recovery().Apply(plan, request);
        SubcommandOutput.WriteResult(output, "recovered", request, result);
    }

    private static QuorumRecovery Recovery() => new(SystemFiles.Instance, RestoreStores.OfRocks());
}
