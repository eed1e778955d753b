using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Transport;

namespace KvCloud.Tests.Simulation;

/// <summary>
/// Who installs releases: nodes of the release before and of this one live beside each other, and are upgraded and
/// downgraded. While that goes on a setting holds the feature level back, on all nodes or on one. Then the setting is
/// taken away, node by node, and there is no way back.
/// </summary>
internal sealed class SimUpgrader(SimWorld world, SimProfile profile)
{
    /// <summary>The release before: wire version 3, and no feature levels.</summary>
    public static readonly PeerRelease Former = PeerRelease.Former;

    /// <summary>This release, held back by a setting.</summary>
    public static readonly PeerRelease Held = PeerRelease.Plain with
    {
        Program = "held",
        SupportedLevel = FeatureLevels.Newest,
    };

    public static readonly PeerRelease Newest = Held with { Program = "newest", AllowedLevel = FeatureLevels.Newest };

    private SimNode? _holder;
    private bool _isHeldBySetting;

    private DeterministicRandom Random => world.Random;

    /// <summary>A node that was removed holds nobody back.</summary>
    private bool IsHeld =>
        _isHeldBySetting && (_holder is null || world.Checker.Members.Find(_holder.Self) is not null);

    /// <summary>Before the nodes start.</summary>
    public void Start()
    {
        if (profile.UpgradeEveryMs == 0)
        {
            return;
        }

        _isHeldBySetting = true;
        _holder = Random.Chance(500) ? world.Nodes[Random.Next(profile.Nodes)] : null;
        foreach (SimNode node in world.Nodes)
        {
            node.Release = Random.Chance(600) ? Former : Upgraded(node);
        }

        world.After(profile.HoldMs * SimProfile.Millisecond, () => _isHeldBySetting = false);
        Act();
    }

    /// <summary>All are upgraded, and nothing holds the group back.</summary>
    public void Heal()
    {
        _isHeldBySetting = false;
        foreach (SimNode node in world.Nodes.Where(node => node.Release != Newest))
        {
            Install(node, Newest);
        }
    }

    private void Act() => world.After((1 + Random.Next(2 * profile.UpgradeEveryMs)) * SimProfile.Millisecond, () =>
    {
        if (world.IsHealed)
        {
            return;
        }

        SimNode node = world.Nodes[Random.Next(world.Nodes.Count)];
        PeerRelease next = !IsHeld ? Newest : node.Release == Former ? Upgraded(node) : Former;
        if (node.Release != next)
        {
            Install(node, next);
        }

        Act();
    });

    /// <summary>Where one node alone holds the group back, it is never of this release without the setting.</summary>
    private PeerRelease Upgraded(SimNode node) =>
        !IsHeld || (_holder is not null && node != _holder) ? Newest : Held;

    private void Install(SimNode node, PeerRelease release)
    {
        bool isDowngrade = release == Former;
        world.Reached.Upgrades += isDowngrade ? 0 : 1;
        world.Reached.Downgrades += isDowngrade ? 1 : 0;
        world.Trace($"node-{node.Self.Value}   gets release {release}");
        node.Release = release;
        if (!node.IsDown)
        {
            node.Crash(isPowerCut: false);
            world.After(Random.Next(300) * SimProfile.Millisecond, node.Start);
        }
    }
}
