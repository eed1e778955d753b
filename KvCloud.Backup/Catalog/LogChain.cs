using KvCloud.Backup.Format;

namespace KvCloud.Backup.Catalog;

/// <summary>Finds the segments that follow a slot without a gap.</summary>
internal static class LogChain
{
    /// <param name="log">In the order of names, which is that of first slots.</param>
    /// <param name="slot">The first segment holds the slot behind it.</param>
    /// <returns>
    /// Each holds the slot behind the last one of the segment before it. Where several do, from two who wrote to one
    /// archive, the one that reaches farthest.
    /// </returns>
    public static IEnumerable<LogSegmentName> After(IReadOnlyList<LogSegmentName> log, long slot)
    {
        int next = 0;
        while (true)
        {
            LogSegmentName? best = null;
            while (next < log.Count && log[next].FirstSlot <= slot + 1)
            {
                if (log[next].LastSlot > slot && (best is null || log[next].LastSlot > best.LastSlot))
                {
                    best = log[next];
                }

                next++;
            }

            if (best is null)
            {
                yield break;
            }

            yield return best;
            slot = best.LastSlot;
        }
    }
}
