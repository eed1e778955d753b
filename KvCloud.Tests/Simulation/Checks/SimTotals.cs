using System.Globalization;

namespace KvCloud.Tests.Simulation;

/// <summary>What many seeds have come to. One thread at a time adds.</summary>
internal sealed class SimTotals
{
    public int Seeds { get; private set; }

    public long Slots { get; private set; }

    public long Answers { get; private set; }

    public long Reads { get; private set; }

    public long Transactions { get; private set; }

    public long Audits { get; private set; }

    public long SlowestRecoveryUs { get; private set; }

    public SimReached Reached { get; } = new();

    public void Add(SimReport report)
    {
        Seeds++;
        Slots += report.Slots;
        Answers += report.Answers;
        Reads += report.Reads;
        Transactions += report.Transactions;
        Audits += report.Audits;
        SlowestRecoveryUs = Math.Max(SlowestRecoveryUs, report.RecoveryUs);
        Reached.Add(report.Reached);
    }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Slots} slots, {Answers} writes answered, {Reads} reads, {Transactions} transactions, {Audits} audits, "
        + $"slowest recovery {SlowestRecoveryUs / 1_000} ms\nreached: {Reached}");
}
