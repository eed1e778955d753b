using KvCloud.Node;
using KvCloud.Node.Cluster;
using KvCloud.Node.Configuration;
using KvCloud.Node.Diagnostics;
using KvCloud.Node.Offline;
using KvCloud.Node.Replication;
using KvCloud.Node.Rpc;
using KvCloud.Node.Tls;

if (args is [RestoreCommand.Name, .. string[] rest])
{
    return RestoreCommand.Run(rest, Console.Out, Console.Error);
}

if (args is [RecoverCommand.Name, .. string[] what])
{
    return RecoverCommand.Run(what, Console.Out, Console.Error);
}

while (true)
{
    if (await RunHostAsync(args) is int code)
    {
        return code;
    }
}

// One host, from reading the configuration on: a replica that has fetched a snapshot goes on in a new one.
static async Task<int?> RunHostAsync(string[] args)
{
    // appsettings files are next to the program, independent of the working directory, and are read once: a file watch
    // on them would see every write of a store below that directory.
    WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions
    {
        ContentRootPath = AppContext.BaseDirectory,
        Args = ["--hostBuilder:reloadConfigOnChange=false"],
    });
    ConfigurationOutcome configuration = builder.AddKvCloudConfiguration(args);
    if (configuration.ExitCode is int exitCode)
    {
        return exitCode;
    }

    NodeOptions options = configuration.Options!;
    NodeTopology topology = configuration.Topology!;
    if (configuration.AskHealth)
    {
        return await HealthCommand.AskAsync(topology, options.ToTlsOptions(topology), Console.Out);
    }

    builder.Logging.AddNodeLogging(options.Logging);
    builder.AddServiceDefaults();
    builder.Services.AddNodeDiagnostics();
    var progress = new RecoveryProgress(TimeProvider.System);
    builder.Services.AddSingleton(progress);
    builder.Services.AddNodeTls(configuration.Certificates);
    builder.Services.AddReplica(options, topology);
    builder.Services.AddReplacement();
    builder.Services.AddClusterManager(ReplicaServices.Feeds);
    builder.Services.AddKvRpc(options.ToRpcOptions());

    builder.Services.AddHostedService<FirstAdmin>();

    // Last, so that it is the first to hear that the node stops: while others drain nobody may have to find a leader.
    builder.Services.AddHostedService<LeadershipTransferOnShutdown>();

    var http = new HttpConnections(options.Limits.MaxHttpConnections, configuration.Certificates, TimeProvider.System);

    // .NET's images and Aspire's deployments set HTTP_PORTS, but the node listens only where [listen] says.
    builder.WebHost.UseSetting(WebHostDefaults.HttpPortsKey, "");
    builder.WebHost.UseSetting(WebHostDefaults.HttpsPortsKey, "");
    builder.WebHost.ConfigureKestrel(kestrel =>
    {
        kestrel.ListenNodeHttp(topology, http);
        kestrel.ListenAt(topology.ListenAddress, topology.ThriftPort, listen => listen.ListenForRpc());
    });

    return await NodeLifetime.RunAsync(
        builder,
        app => app.MapNodeEndpoints(),
        new RecoveryHttp(topology, progress, http).RunAsync);
}
