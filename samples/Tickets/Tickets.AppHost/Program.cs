IDistributedApplicationBuilder builder = DistributedApplication.CreateBuilder(args);

IResourceBuilder<KvCloudResource> kv = builder.AddKvCloud("kv", replicas: 3)
    .WithConsole();

builder.AddProject<Projects.Tickets_Api>("tickets")
    .WithReference(kv)
    .WaitFor(kv)
    .WithHttpHealthCheck("/health")
    .WithExternalHttpEndpoints();

builder.Build().Run();
