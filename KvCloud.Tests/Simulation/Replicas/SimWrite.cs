using KvCloud.Node.Operations;
using KvCloud.Node.Replication;

namespace KvCloud.Tests.Simulation;

/// <summary>One sending of a write as the node holds it, in the place of a client's connection.</summary>
internal sealed class SimWrite(SimNode node, SimAttempt attempt) : PendingWrite
{
    private CommandResult? _result;
    private bool _isTold;

    /// <summary>The answer leaves the node only now.</summary>
    public override void Announce()
    {
        if (_result is CommandResult result && !_isTold)
        {
            _isTold = true;
            node.Answered(attempt, result);
        }
    }

    protected override void Complete(in CommandResult result) => _result = result;
}
