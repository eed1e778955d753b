using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace KvCloud.AppHost.Aspire;

/// <summary>Hands the topology to Aspire: one project resource a replica, run from here or published.</summary>
internal static class AspireOrchestrator
{
    public static async Task<int> RunAsync(string[] args, AppHostArguments arguments)
    {
        IDistributedApplicationBuilder builder = DistributedApplication.CreateBuilder(args);
        if (builder.ExecutionContext.IsPublishMode)
        {
            PublishedCluster.Declare(builder, arguments);
        }
        else
        {
            RunningCluster.Declare(builder, arguments.Topology);
        }

        await using DistributedApplication application = builder.Build();
        await application.RunAsync().ConfigureAwait(false);
        return 0;
    }
}
