using System.Globalization;

namespace KvCloud.AppHost;

/// <summary>What the command line asks for.</summary>
internal sealed record AppHostArguments
{
    public const string Usage = """
        Starts a cluster of KvCloud replicas on this machine.

        Usage: KvCloud.AppHost [options]
          --replicas N      1, 3, 5 or 7 replicas (3)
          --base-port P     clients at P, P+1, ..., peers at P+100, ..., HTTP at P+200, ... (9090)
          --peer-port P     the first port for peers, when it is not to follow from --base-port
          --http-port P     the first port for HTTP, likewise
          --data DIR        where replica i keeps its data, in DIR/node_i (data, beside the solution)
          --cluster-id ID   replicas of another cluster id are refused (kvcloud)
          --environment E   Development or Production (Development)
          --target T        of a published application: docker-compose or kubernetes (docker-compose)
          --node FILE       the replica's program, KvCloud.Node.dll (the one built with this)
          --no-restart      leave a crashed replica down
          --help            this text
        """;

    public required Topology Topology { get; init; }

    public string? NodeAssembly { get; init; }

    public bool RestartCrashed { get; init; } = true;

    public PublishTarget Target { get; init; } = PublishTarget.DockerCompose;

    public bool Help { get; init; }

    /// <param name="args">The command line.</param>
    /// <param name="defaultDataRoot">Used when <c>--data</c> is not given.</param>
    /// <param name="ignoreUnknown">Aspire has options of its own on the same command line.</param>
    /// <exception cref="TopologyException">Says what is wrong, in one sentence.</exception>
    public static AppHostArguments Parse(IReadOnlyList<string> args, string defaultDataRoot, bool ignoreUnknown = false)
    {
        int replicas = Topology.DefaultReplicas, basePort = Topology.DefaultBasePort;
        int? peerPort = null, httpPort = null;
        string dataRoot = defaultDataRoot;
        string clusterId = Topology.DefaultClusterId, environment = Topology.DefaultEnvironment;
        string? node = null;
        PublishTarget target = PublishTarget.DockerCompose;
        bool restart = true, help = false;

        for (var reader = new ArgumentReader(args); reader.Next();)
        {
            switch (reader.Name)
            {
                case "--replicas": replicas = reader.Number(); break;
                case "--base-port": basePort = reader.Number(); break;
                case "--peer-port": peerPort = reader.Number(); break;
                case "--http-port": httpPort = reader.Number(); break;
                case "--data": dataRoot = reader.Value(); break;
                case "--cluster-id": clusterId = reader.Value(); break;
                case "--environment": environment = reader.Value(); break;
                case "--target": target = ParseTarget(reader.Value()); break;
                case "--node": node = reader.Value(); break;
                case "--no-restart": restart = false; break;
                case "--help" or "-h" or "-?": help = true; break;
                case var _ when ignoreUnknown: break;
                default:
                    throw new TopologyException($"Unknown option '{reader.Name}'; --help lists those there are.");
            }
        }

        return new AppHostArguments
        {
            Topology = Topology.Create(replicas, basePort, peerPort, httpPort, dataRoot) with
            {
                ClusterId = clusterId,
                Environment = environment,
            },
            NodeAssembly = node,
            RestartCrashed = restart,
            Target = target,
            Help = help,
        };
    }

    private static PublishTarget ParseTarget(string text) => text switch
    {
        "docker-compose" => PublishTarget.DockerCompose,
        "kubernetes" => PublishTarget.Kubernetes,
        _ => throw new TopologyException($"--target {text}: the target must be docker-compose or kubernetes."),
    };

    /// <summary>Walks over <c>--name value</c>, <c>--name=value</c> and <c>--switch</c>.</summary>
    private sealed class ArgumentReader(IReadOnlyList<string> args)
    {
        private int _next;
        private string? _inlineValue;

        public string Name { get; private set; } = "";

        public bool Next()
        {
            if (_next >= args.Count)
            {
                return false;
            }

            string argument = args[_next++];
            int equals = IsOption(argument) ? argument.IndexOf('=', StringComparison.Ordinal) : -1;
            Name = equals < 0 ? argument : argument[..equals];
            _inlineValue = equals < 0 ? null : argument[(equals + 1)..];
            return true;
        }

        public string Value()
        {
            string? value = _inlineValue ?? (_next < args.Count ? args[_next++] : null);
            return string.IsNullOrWhiteSpace(value) || (_inlineValue is null && IsOption(value))
                ? throw new TopologyException($"{Name} needs a value.")
                : value;
        }

        public int Number()
        {
            string value = Value();
            return int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
                ? number
                : throw new TopologyException($"{Name} {value}: a whole number is needed.");
        }

        private static bool IsOption(string argument) => argument.StartsWith("--", StringComparison.Ordinal);
    }
}
