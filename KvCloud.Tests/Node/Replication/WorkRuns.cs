using KvCloud.Node.Replication.Workers;

namespace KvCloud.Tests.Node.Replication;

/// <summary>Runs a worker's work on the test's thread.</summary>
internal static class WorkRuns
{
    /// <returns>Whether there was something to do.</returns>
    public static bool Run(this IWork work, RunReason reason = RunReason.Woken) => Run(work, out _, reason);

    public static bool Run(this IWork work, out FollowUp followUp, RunReason reason = RunReason.Woken)
    {
        followUp = default;
        if (!work.TryBegin(reason))
        {
            return false;
        }

        work.Execute();
        followUp = work.Complete();
        return true;
    }
}
