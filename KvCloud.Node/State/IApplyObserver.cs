using KvCloud.Consensus;
using KvCloud.Node.Operations;

namespace KvCloud.Node.State;

/// <summary>Receives the result of each command, in log order, once the store holds it.</summary>
internal interface IApplyObserver
{
    /// <param name="index">The command's index in its slot's batch, from 0.</param>
    void OnApplied(Slot slot, int index, in CommandResult result);

    /// <summary>
    /// The value chosen for the slot is not a batch, or is truncated. That is the same on every replica: the rest is
    /// skipped.
    /// </summary>
    void OnMalformed(Slot slot, string error);
}
