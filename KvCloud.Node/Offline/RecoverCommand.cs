using KvCloud.Node.Files;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication.Restore;

namespace KvCloud.Node.Offline;

/// <summary>
/// <c>KvCloud.Node recover plan</c> and <c>apply</c>: creates a new group from the survivors of one that has lost its
/// quorum for good, without network or a running node.
/// </summary>
internal static class RecoverCommand
{
    public const string Name = "recover";

    /// <param name="args">The arguments after the name of the subcommand.</param>
    /// <returns>The exit code of the process.</returns>
    public static int Run(string[] args, TextWriter output, TextWriter error) => SubcommandOutput.Run(
        Name,
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

        For a group that has lost its quorum for good. What only the lost majority knew is lost, acknowledged writes
        included. Read docs/deployment.md first; if a backup is newer, restore that instead.

          --data DIR             the directory node_N of a surviving replica that is stopped; it is only read
          --out FILE             the plan: what each survivor knows, what would be taken, what may be lost
          --plan FILE            the plan to apply, reviewed and unchanged
          --target DIR           the data root to create, with node_N for each node; must be missing or empty
        Exit codes: 0 done, 2 the request is wrong, 3 a directory cannot be used, 4 a directory is damaged or a disk
        failed.
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
