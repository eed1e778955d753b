using KvCloud.Node.Transport;

namespace KvCloud.Tests.Simulation;

/// <summary>
/// The incarnations on a simulated disk. While the disk is busy a new one cannot be noted: the handshake is refused,
/// as by a disk that fails, and tried again.
/// </summary>
internal sealed class SimIncarnations(SimDisk disk, IIncarnationRegistry incarnations) : IIncarnationRegistry
{
    private readonly HashSet<int> _met = [];

    public bool TryAdmit(int nodeId, long incarnation)
    {
        if (disk.IsBusy && !_met.Contains(nodeId))
        {
            throw new IOException("the disk is busy");
        }

        bool isAdmitted = incarnations.TryAdmit(nodeId, incarnation);
        _met.Add(nodeId);
        return isAdmitted;
    }
}
