using KvCloud.Tests.Fuzzing.Targets;

namespace KvCloud.Tests.Fuzzing;

/// <summary>Every parser in reach of a network or a disk.</summary>
internal static class FuzzTargets
{
    public static IReadOnlyList<FuzzTarget> All { get; } =
        [.. ThriftTargets.All, .. PeerTargets.All, .. DiskTargets.All, .. TextTargets.All];

    public static FuzzTarget? Find(string name) => All.FirstOrDefault(target => target.Name == name);
}
