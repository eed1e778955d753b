using System.CommandLine;
using System.Globalization;
using KvCloud.Cli.Output;
using KvCloud.Client;
using KvCloud.Protocol;

namespace KvCloud.Cli.Commands;

/// <summary>`kv member list|add|promote|demote|remove|replace|update|transfer-leader|rebuild`.</summary>
internal static class MemberCommands
{
    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromMilliseconds(500);

    public static Command Create(CommandRunner runner) =>
        new("member", "Who the replicas are, and who of them leads. All but list go to the leader.")
        {
            List(runner),
            Add(runner),
            Promote(runner),
            OfOne(runner, "demote", "Take the vote from a replica; it stays a learner.", MemberChangeKind.DEMOTE),
            OfOne(
                runner, "remove", "Remove a replica for good: its number never returns, its node stops.",
                MemberChangeKind.REMOVE),
            Replace(runner),
            Update(runner),
            TransferLeader(runner),
            Rebuild(runner),
        };

    private static Command List(CommandRunner runner)
    {
        var command = new Command("list", "Print the members: voters and learners, and where they are.");
        runner.Bind(command, async (context, cancellationToken) =>
        {
            KvClusterHealth health = await context.Client.GetClusterHealthAsync(
                new KvReadOptions { Endpoint = context.Endpoint }, cancellationToken);
            context.Printer.Rows(
                ["id", "member", "health", "lag", "endpoint", "peer endpoint", .. ReleaseDisplay.Headings],
                health.Nodes,
                node =>
                [
                    node.Id.ToString(CultureInfo.InvariantCulture) + (node.IsLeader ? "*" : ""),
                    RoleOf(node),
                    node.Status,
                    node.LagSlots?.ToString(CultureInfo.InvariantCulture) ?? "-",
                    node.Endpoint,
                    node.PeerEndpoint ?? "-",
                    .. ReleaseDisplay.Cells(node),
                ],
                (writer, node) =>
                {
                    writer.WriteNumber("id", node.Id);
                    writer.WriteString("member", RoleOf(node));
                    writer.WriteBoolean("leads", node.IsLeader);
                    writer.WriteString("status", node.Status);
                    writer.WriteString("endpoint", node.Endpoint);
                    writer.WriteString("peer_endpoint", node.PeerEndpoint);
                    ReleaseDisplay.Write(writer, node);
                });
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command Add(CommandRunner runner)
    {
        Argument<int> id = IdOf("The number of the new replica; none that was ever removed.");
        Option<string> peer = PeerOption(isRequired: true);
        Option<string?> client = ClientOption();
        var command = new Command(
            "add", "Add a replica without a vote. Its node was started with deployment.join, or is afterwards.")
        {
            id, peer, client,
        };
        BindEndpoints(runner, command, MemberChangeKind.ADD, id, peer, client);
        return command;
    }

    private static Command Promote(CommandRunner runner)
    {
        Argument<int> id = IdOf("The learner's number.");
        Option<int> wait = WaitOption(0);
        Option<bool> force = ForceOption();
        var command = new Command("promote", "Give a learner a vote, once it has caught up.") { id, wait, force };
        runner.Bind(command, async (context, cancellationToken) =>
        {
            await AskUntilDoneAsync(
                context,
                new KvMemberChange
                {
                    Kind = MemberChangeKind.PROMOTE,
                    NodeId = context.Get(id),
                    Force = context.Get(force),
                },
                context.Get(wait),
                cancellationToken);
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command Replace(CommandRunner runner)
    {
        var old = new Argument<int>("old") { Description = "The number of the replica that leaves for good." };
        Argument<int> id = IdOf("The number of the replica that takes its place.");
        Option<string> peer = PeerOption(isRequired: true);
        Option<string?> client = ClientOption();
        Option<int> wait = WaitOption(300);
        Option<bool> force = ForceOption();
        var command = new Command(
            "replace", "Add a replica, wait until it has caught up, and give it the place of another in one change.")
        {
            old, id, peer, client, wait, force,
        };
        runner.Bind(command, async (context, cancellationToken) =>
        {
            KvClusterHealth health = await context.Client.GetClusterHealthAsync(null, cancellationToken);
            if (health.Nodes.All(node => node.Id != context.Get(id)))
            {
                await context.Client.ChangeMembersAsync(
                    new KvMemberChange
                    {
                        Kind = MemberChangeKind.ADD,
                        NodeId = context.Get(id),
                        PeerEndpoint = context.Get(peer),
                        ClientEndpoint = context.Get(client),
                    },
                    null,
                    cancellationToken);
            }

            await AskUntilDoneAsync(
                context,
                new KvMemberChange
                {
                    Kind = MemberChangeKind.REPLACE,
                    NodeId = context.Get(id),
                    ReplacedNodeId = context.Get(old),
                    Force = context.Get(force),
                },
                context.Get(wait),
                cancellationToken);
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command Update(CommandRunner runner)
    {
        Argument<int> id = IdOf("The replica's number.");
        Option<string> peer = PeerOption(isRequired: true);
        Option<string?> client = ClientOption();
        var command = new Command("update", "Say where a replica is reached from now on.") { id, peer, client };
        BindEndpoints(runner, command, MemberChangeKind.UPDATE, id, peer, client);
        return command;
    }

    /// <summary>Binds a command with the addresses of a replica.</summary>
    private static void BindEndpoints(
        CommandRunner runner,
        Command command,
        MemberChangeKind kind,
        Argument<int> id,
        Option<string> peer,
        Option<string?> client) =>
        runner.Bind(command, async (context, cancellationToken) =>
        {
            await context.Client.ChangeMembersAsync(
                new KvMemberChange
                {
                    Kind = kind,
                    NodeId = context.Get(id),
                    PeerEndpoint = context.Get(peer),
                    ClientEndpoint = context.Get(client),
                },
                null,
                cancellationToken);
            return ExitCode.Ok;
        });

    private static Command TransferLeader(CommandRunner runner)
    {
        var to = new Argument<int?>("id")
        {
            Description = "Who is to lead; without it whoever has most of the log.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var command = new Command("transfer-leader", "Have another voter lead.") { to };
        runner.Bind(command, async (context, cancellationToken) =>
        {
            await context.Client.ChangeMembersAsync(
                new KvMemberChange
                {
                    Kind = MemberChangeKind.TRANSFER_LEADERSHIP,
                    NodeId = context.Parsed.GetValue(to),
                },
                null,
                cancellationToken);
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command Rebuild(CommandRunner runner)
    {
        Argument<int> id = IdOf("The replica's number.");
        var command = new Command(
            "rebuild", "Make the data of a replica anew from another's, while the cluster works. Number, promises and"
            + " votes stay. Asked of the replica itself.")
        {
            id,
        };
        runner.Bind(command, async (context, cancellationToken) =>
        {
            KvClusterHealth health = await context.Client.GetClusterHealthAsync(null, cancellationToken);
            KvNodeStatus node = health.Nodes.FirstOrDefault(node => node.Id == context.Get(id))
                ?? throw new UsageException($"no replica has number {context.Get(id)}");
            try
            {
                await context.Client.ChangeMembersAsync(
                    new KvMemberChange
                    {
                        Kind = MemberChangeKind.REBUILD,
                        NodeId = node.Id,
                        Endpoint = node.Endpoint,
                    },
                    null,
                    cancellationToken);
            }
            catch (KvCloudException exception) when (exception.ErrorCode == ErrorCode.NETWORK)
            {
                context.Console.WriteError(
                    $"replica {node.Id} at {node.Endpoint} does not answer: {exception.Message}. Start it: data that"
                    + " cannot be opened are made anew then. If it ends because its log is damaged, as it says itself,"
                    + " its promises are gone, and no data help: put another in its place with kv member replace");
                return ExitCode.Unavailable;
            }

            context.Console.Out.WriteLine(
                $"replica {node.Id} fetches its data anew; kv status tells when it is healthy again");
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command OfOne(CommandRunner runner, string name, string description, MemberChangeKind kind)
    {
        Argument<int> id = IdOf("The replica's number.");
        Option<bool> force = ForceOption();
        var command = new Command(name, description) { id, force };
        runner.Bind(command, async (context, cancellationToken) =>
        {
            await context.Client.ChangeMembersAsync(
                new KvMemberChange { Kind = kind, NodeId = context.Get(id), Force = context.Get(force) },
                null,
                cancellationToken);
            return ExitCode.Ok;
        });
        return command;
    }

    /// <summary>Retries while the group refuses the change, mostly because the learner has not caught up yet.</summary>
    private static async Task AskUntilDoneAsync(
        CommandContext context, KvMemberChange change, int waitSeconds, CancellationToken cancellationToken)
    {
        DateTimeOffset until = DateTimeOffset.UtcNow.AddSeconds(waitSeconds);
        while (true)
        {
            try
            {
                await context.Client.ChangeMembersAsync(change, null, cancellationToken);
                return;
            }
            catch (KvCloudException exception) when (
                exception.ErrorCode == ErrorCode.INVALID_ARGUMENT && DateTimeOffset.UtcNow < until)
            {
                await Task.Delay(AskAgainAfter, cancellationToken);
            }
        }
    }

    private static string RoleOf(KvNodeStatus node) => node.IsLearner ? "learner" : "voter";

    private static Argument<int> IdOf(string description) => new("id") { Description = description };

    private static Option<string> PeerOption(bool isRequired) => new("--peer")
    {
        Description = "Where replicas reach it, host:port.",
        Required = isRequired,
    };

    private static Option<string?> ClientOption() => new("--client")
    {
        Description = "Where clients reach it, host:port. Default: as its node tells.",
    };

    private static Option<bool> ForceOption() => new("--force")
    {
        Description = "Also where fewer than three voters stay, or one of them does not answer.",
    };

    private static Option<int> WaitOption(int defaultSeconds) => new("--wait")
    {
        Description = "Ask again for so many seconds while the group refuses it.",
        DefaultValueFactory = _ => defaultSeconds,
    };
}
