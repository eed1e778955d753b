using System.CommandLine;
using System.Globalization;
using System.Net;
using KvCloud.Bench.Load;
using KvCloud.Bench.Measure;

namespace KvCloud.Bench.Commands;

/// <summary>The options shared by every command that runs a load.</summary>
internal sealed class LoadOptionSet
{
    private static readonly LoadOptions Defaults = new() { Endpoints = [] };

    private static readonly Dictionary<string, DriverKind> Drivers = new(StringComparer.OrdinalIgnoreCase)
    {
        ["kvcloud"] = DriverKind.Kvcloud,
        ["thrift"] = DriverKind.Thrift,
        ["thrift-pipelined"] = DriverKind.ThriftPipelined,
        ["etcd"] = DriverKind.Etcd,
        ["etcd-grpc"] = DriverKind.EtcdGrpc,
    };

    private readonly Option<string> _driver = Make("--driver", "thrift-pipelined", string.Join(" | ", Drivers.Keys));
    private readonly Option<string> _endpoints = new("--endpoints", "-e")
    {
        Description = "Client endpoints, host:port[,host:port…]",
        Required = true,
    };

    private readonly Option<string> _target = Make("--target", "auto", "auto | leader | all | followers");
    private readonly Option<int> _keySize = Make("--key-size", Defaults.KeySizeBytes, "Bytes of a key");
    private readonly Option<int> _valueSize = Make("--value-size", Defaults.ValueSizeBytes, "Bytes of a value");
    private readonly Option<long> _keys = Make("--keys", Defaults.Keys, "Size of the key space");
    private readonly Option<long> _preload = Make("--preload", 0L, "Keys written before the run");
    private readonly Option<string> _distribution = Make(
        "--distribution", "uniform", "sequential | uniform | zipf | latest");
    private readonly Option<double> _theta = Make(
        "--theta", Defaults.Theta, "Skew of zipf and latest, between 0 and 1");
    private readonly Option<int> _connections = Make("--connections", Defaults.Connections, "Connections");
    private readonly Option<int> _inFlight = Make(
        "--in-flight", Defaults.InFlight, "Calls in flight on each connection");
    private readonly Option<double> _rate = Make(
        "--rate", 0.0, "Calls per second (open loop); 0: each answer starts the next call (closed loop)");
    private readonly Option<double> _warmup = Make(
        "--warmup", Defaults.Warmup.TotalSeconds, "Seconds before measuring");
    private readonly Option<double> _duration = Make("--duration", Defaults.Duration.TotalSeconds, "Seconds measured");
    private readonly Option<int> _rangeLimit = Make("--range-limit", Defaults.RangeLimit, "Rows a range reads");
    private readonly Option<int> _commitSize = Make("--commit-size", Defaults.CommitSize, "Sets in a transaction");
    private readonly Option<long> _seed = Make("--seed", 1L, "Seed of all random choices");
    private readonly Option<int> _loops = Make("--loops", Defaults.Loops, "Threads of the generator's own loop");
    private readonly Option<string> _pids = Make(
        "--pids", "auto", "Server processes to measure: pid[,pid…], auto (who listens on the endpoints) or none");

    private readonly Option<string> _sources = Make(
        "--source", "", "Local addresses to connect from, in turn: address[,address…]");

    private readonly Option<bool> _exactlyOnce = Make(
        "--exactly-once", false, "Exactly-once writes (driver kvcloud only)");

    private readonly Option<bool> _tls = Make("--tls", false, "Speak TLS (driver kvcloud only)");
    private readonly Option<string?> _ca = new("--ca") { Description = "PEM file of the CAs to trust" };
    private readonly Option<string?> _certificate = new("--cert") { Description = "PEM file of a client certificate" };
    private readonly Option<string?> _key = new("--key") { Description = "PEM file of its key" };
    private readonly Option<bool> _quiet = Make("--quiet", false, "No progress lines");

    public void AddTo(Command command)
    {
        Option[] options =
        [
            _driver, _endpoints, _target, _keySize, _valueSize, _keys, _preload, _distribution, _theta, _connections,
            _inFlight,
            _rate, _warmup, _duration, _rangeLimit, _commitSize, _seed, _loops, _pids, _sources, _exactlyOnce, _quiet,
            _tls, _ca, _certificate, _key,
        ];
        foreach (Option option in options)
        {
            command.Options.Add(option);
        }
    }

    public LoadOptions Read(ParseResult parsed)
    {
        IReadOnlyList<string> endpoints = Endpoints.Parse(parsed.GetRequiredValue(_endpoints));
        return new LoadOptions
        {
            Driver = Drivers.TryGetValue(parsed.GetRequiredValue(_driver), out DriverKind driver)
                ? driver
                : throw new BenchException(
                    $"--driver {parsed.GetValue(_driver)}: must be one of {string.Join(", ", Drivers.Keys)}"),
            Endpoints = endpoints,
            Target = Named<TargetKind>(parsed, _target),
            KeySizeBytes = parsed.GetValue(_keySize),
            ValueSizeBytes = parsed.GetValue(_valueSize),
            Keys = parsed.GetValue(_keys),
            Preload = parsed.GetValue(_preload),
            Distribution = Named<KeyDistribution>(parsed, _distribution),
            Theta = parsed.GetValue(_theta),
            Connections = parsed.GetValue(_connections),
            InFlight = parsed.GetValue(_inFlight),
            RatePerSecond = parsed.GetValue(_rate),
            Warmup = TimeSpan.FromSeconds(parsed.GetValue(_warmup)),
            Duration = TimeSpan.FromSeconds(parsed.GetValue(_duration)),
            RangeLimit = parsed.GetValue(_rangeLimit),
            CommitSize = parsed.GetValue(_commitSize),
            Seed = (ulong)parsed.GetValue(_seed),
            Loops = parsed.GetValue(_loops),
            ServerPids = Pids(parsed.GetRequiredValue(_pids), endpoints),
            SourceAddresses = Sources(parsed.GetRequiredValue(_sources)),
            ExactlyOnce = parsed.GetValue(_exactlyOnce),
            Tls = TlsOf(parsed),
            Progress = !parsed.GetValue(_quiet),
        };
    }

    private LoadTls? TlsOf(ParseResult parsed)
    {
        var tls = new LoadTls(parsed.GetValue(_ca), parsed.GetValue(_certificate), parsed.GetValue(_key));
        return parsed.GetValue(_tls) || tls != new LoadTls(null, null, null) ? tls : null;
    }

    public static Option<T> Make<T>(string name, T fallback, string description) =>
        new(name) { Description = description, DefaultValueFactory = _ => fallback };

    private static T Named<T>(ParseResult parsed, Option<string> option)
        where T : struct, Enum
    {
        string text = parsed.GetRequiredValue(option);
        return Enum.TryParse<T>(text, ignoreCase: true, out T value) && !int.TryParse(text, out _)
            ? value
            : throw new BenchException(
                $"{option.Name} {text}: must be one of {string.Join(", ", Enum.GetNames<T>()).ToLowerInvariant()}");
    }

    private static IPAddress[] Sources(string text) =>
    [
        .. text.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(part =>
            IPAddress.TryParse(part, out IPAddress? source)
                ? source
                : throw new BenchException($"--source has '{part}', which is not an IP address")),
    ];

    private static int[] Pids(string text, IReadOnlyList<string> endpoints)
    {
        if (text == "none" || (text == "auto" && !OperatingSystem.IsLinux()))
        {
            return [];
        }

        return text == "auto"
            ? [.. ServerUsage.FindListeners(endpoints)]
            : [.. text.Split(',').Select(part =>
                int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int pid)
                    ? pid
                    : throw new BenchException($"--pids has '{part}', which is not a process id"))];
    }
}
