namespace KvCloud.Node.Replication.Log;

/// <summary>The lowest and the highest of a set of slots; long.MaxValue and 0 if it is empty.</summary>
internal readonly record struct SlotSpan(long Min, long Max)
{
    public static readonly SlotSpan None = new(long.MaxValue, 0);

    public bool Overlaps(long from, long to) => Min <= to && Max >= from;

    public SlotSpan With(long slot) => new(Math.Min(Min, slot), Math.Max(Max, slot));

    public SlotSpan With(SlotSpan other) => new(Math.Min(Min, other.Min), Math.Max(Max, other.Max));
}
