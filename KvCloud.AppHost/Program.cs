using KvCloud.AppHost;

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
    return await KvCloud.AppHost.Aspire.AspireOrchestrator.RunAsync(args, arguments);
#else
    return await AspireUpgrade.RunAsync(args) ?? await KvCloud.AppHost.Processes.ProcessOrchestrator.RunAsync(arguments);
#endif
}
catch (TopologyException e)
{
    await Console.Error.WriteLineAsync(e.Message);
    return 2;
}
