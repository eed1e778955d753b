using KvCloud.Tests.Live.PowerCut;
using KvCloud.Tests.Live.Soak;
using KvCloud.Tests.Simulation;

namespace KvCloud.Tests.Support;

/// <summary>What this assembly does as a program: eng/simulate, eng/mutate, eng/power-cut, eng/soak.</summary>
internal static class Commands
{
    public static async Task<int> Main(string[] args) => args switch
    {
        ["power-cut", .. string[] rest] => await PowerCutCommand.RunAsync(rest),
        ["soak", .. string[] rest] => await SoakCommand.RunAsync(rest),
        ["mutate", .. string[] rest] => await MutateCommand.RunAsync(rest),
        _ => SimulateCommand.Main(args),
    };
}
