namespace KvCloud.Consensus;

/// <summary>
/// A position in the replicated log. The first is 1; <see cref="Zero"/> stands for "none yet".
/// Each slot is one instance of Paxos.
/// </summary>
public readonly record struct Slot(long Value) : IComparable<Slot>
{
    public static readonly Slot Zero = new(0);

    public Slot Next => new(Value + 1);

    public Slot Previous => new(Value - 1);

    /// <inheritdoc/>
    public int CompareTo(Slot other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);

    public static Slot Max(Slot left, Slot right) => left.Value >= right.Value ? left : right;

    public static Slot Min(Slot left, Slot right) => left.Value <= right.Value ? left : right;

    public static bool operator <(Slot left, Slot right) => left.Value < right.Value;
    public static bool operator >(Slot left, Slot right) => left.Value > right.Value;
    public static bool operator <=(Slot left, Slot right) => left.Value <= right.Value;
    public static bool operator >=(Slot left, Slot right) => left.Value >= right.Value;
}
