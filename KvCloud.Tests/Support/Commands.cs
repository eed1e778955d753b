using KvCloud.Tests.Live.PowerCut;
using KvCloud.Tests.Simulation;

namespace KvCloud.Tests.Support;

/// <summary>What this assembly does as a program: eng/simulate, eng/power-cut.</summary>
internal static class Commands
{
    public static async Task<int> Main(string[] args) => args is ["power-cut", .. string[] rest]
        ? await PowerCutCommand.RunAsync(rest)
        : SimulateCommand.Main(args);
}
