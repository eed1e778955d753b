using KvCloud.Consensus;
using KvCloud.Node.Operations;

namespace KvCloud.Node.State;

/// <summary>Hears what became of each command, in the order of the log, once the store holds it.</summary>
internal interface IApplyObserver
{
    /// <param name="index">Of the command in its slot's batch, from 0.</param>
    void OnApplied(Slot slot, int index, in CommandResult result);

    /// <summary>
    /// What was chosen for the slot is not a batch, or ends in the middle. The same on every replica: the rest is
    /// skipped.
    /// </summary>
    void OnMalformed(Slot slot, string error);
}
