using KvCloud.Certificates;
using Microsoft.Extensions.Configuration;

try
{
    IDistributedApplicationBuilder builder = DistributedApplication.CreateBuilder(args);

    // --replicas 5 --base-port 19090 (0 uses free ports) --data DIR --console false; also settable as environment
    // variables or in appsettings.json.
    int replicas = builder.Configuration.GetValue("replicas", 3);
    int basePort = builder.Configuration.GetValue("base-port", 9090);
    string? data = builder.Configuration["data"];

    IResourceBuilder<KvCloudResource> kv = builder.AddKvCloud<Projects.KvCloud_Node>(
        "kv", replicas, basePort == 0 ? null : basePort);
    _ = data is null ? kv.WithDataVolume() : kv.WithDataBindMount(data);

    // Above the replicas' own ports: clients, peers and HTTP are a hundred apart.
    if (builder.Configuration.GetValue("console", true))
    {
        kv.WithConsole<Projects.KvCloud_Console>(basePort == 0 ? null : basePort + 300);
    }

    // --tls true makes certificates below the data; --certificates DIR has those of kv cert.
    if (builder.Configuration["certificates"] is { } certificates)
    {
        kv.WithTls(certificates);
    }
    else if (builder.Configuration.GetValue("tls", false))
    {
        kv.WithTls(create: files =>
            LocalCertificates.Ensure(files.Directory, files.Cluster, files.Nodes, TimeProvider.System));
    }

    await builder.Build().RunAsync();
    return 0;
}
catch (Exception e) when (
    e is DistributedApplicationException or CertificateException
        or InvalidOperationException { InnerException: ArgumentException })
{
    // The user can fix these errors (an occupied port, a data directory in use, an invalid number, a certificate that
    // cannot be read): print one sentence instead of a stack trace.
    await Console.Error.WriteLineAsync(e.Message);
    return 2;
}
