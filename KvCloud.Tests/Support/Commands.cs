using KvCloud.Tests.Live.PowerCut;
using KvCloud.Tests.Simulation;

namespace KvCloud.Tests.Support;

/// <summary>What this assembly does as a program: eng/simulate, eng/mutate, eng/power-cut.</summary>
internal static class Commands
{
    public static async Task<int> Main(string[] args) => args switch
    {
        ["power-cut", .. string[] rest] => await PowerCutCommand.RunAsync(rest),
        ["mutate", .. string[] rest] => await MutateCommand.RunAsync(rest),
        _ => SimulateCommand.Main(args),
    };
}
