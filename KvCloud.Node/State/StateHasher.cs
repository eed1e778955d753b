using System.Numerics;

namespace KvCloud.Node.State;

/// <summary>
/// A rolling hash over the effects of every slot. Two replicas that applied the same slots have the same hash. It
/// detects accidental divergence, not malice.
/// </summary>
internal struct StateHasher(ulong value)
{
    private const ulong Multiplier = 0x9FB2_1C65_1E98_DF25;

    public ulong Value { get; private set; } = value;

    public void Mix(ulong next)
    {
        ulong mixed = (BitOperations.RotateLeft(Value, 23) ^ next) * Multiplier;
        Value = mixed ^ (mixed >> 29);
    }

    public void Mix(long next) => Mix((ulong)next);
}
