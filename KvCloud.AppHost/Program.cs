using KvCloud.AppHost;
#if ASPIRE
using KvCloud.AppHost.Aspire;
#else
using KvCloud.AppHost.Processes;
#endif

try
{
#if ASPIRE
    AppHostArguments arguments = AppHostArguments.Parse(args, BuildInfo.DefaultDataRoot, ignoreUnknown: true);
#else
    AppHostArguments arguments = AppHostArguments.Parse(args, BuildInfo.DefaultDataRoot);
#endif
    if (arguments.Help)
    {
        Console.WriteLine(AppHostArguments.Usage);
        return 0;
    }

#if ASPIRE
    return await AspireOrchestrator.RunAsync(args, arguments);
#else
    return await AspireUpgrade.RunAsync(args) ?? await ProcessOrchestrator.RunAsync(arguments);
#endif
}
catch (TopologyException e)
{
    await Console.Error.WriteLineAsync(e.Message);
    return 2;
}
