using KvCloud.Consensus;
using KvCloud.Node.Replication.Log;

namespace KvCloud.Tests.Simulation;

/// <summary>A log that keeps everything, for a member that is added later and begins with the first slot.</summary>
internal sealed class SimUntrimmedLog(IPaxosLog log) : IPaxosLog
{
    public Ballot Promised => log.Promised;

    public Slot ChosenSlot => log.ChosenSlot;

    public Slot FirstSlot => log.FirstSlot;

    public Slot LastSlot => log.LastSlot;

    public void Write(IReadOnlyList<Effects> writes) => log.Write(writes);

    public IReadOnlyList<LogEntry> Read(Slot from, Slot to, int maxBytes) => log.Read(from, to, maxBytes);

    public void TrimBelow(Slot slot)
    {
    }

    public void Mark() => log.Mark();

    public void Dispose() => log.Dispose();
}
