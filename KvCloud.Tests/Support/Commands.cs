using KvCloud.Tests.Fuzzing;
using KvCloud.Tests.Live.Attacks;
using KvCloud.Tests.Live.Lifecycle;
using KvCloud.Tests.Live.PowerCut;
using KvCloud.Tests.Live.Soak;
using KvCloud.Tests.Simulation;

namespace KvCloud.Tests.Support;

/// <summary>What this assembly does as a program: eng/simulate, eng/mutate, eng/soak and so on.</summary>
internal static class Commands
{
    public static async Task<int> Main(string[] args) => args switch
    {
        ["power-cut", .. string[] rest] => await PowerCutCommand.RunAsync(rest),
        ["lifecycle", .. string[] rest] => await LifecycleCommand.RunAsync(rest),
        ["attacks", .. string[] rest] => await AttackCommand.RunAsync(rest),
        ["fuzz", .. string[] rest] => await FuzzCommand.RunAsync(rest),
        ["soak", .. string[] rest] => await SoakCommand.RunAsync(rest),
        ["mutate", .. string[] rest] => await MutateCommand.RunAsync(rest),
        _ => SimulateCommand.Main(args),
    };
}
