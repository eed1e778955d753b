namespace KvCloud.Tests.Simulation;

/// <summary>
/// What clients saw, and when: nothing else. Judged without any knowledge of slots or of the log, as an outsider would.
/// </summary>
internal sealed class SimHistory
{
    public void ReadEnded(SimOp op, long version, long endUs)
    {
    }

    public void Check()
    {
    }
}
