using KvCloud.Backup.Format;

namespace KvCloud.Backup.Catalog;

/// <summary>Finds the log segments that continue from a slot without a gap.</summary>
internal static class LogChain
{
    /// <param name="log">Ordered by name, which is the order of first slots.</param>
    /// <param name="slot">The first segment returned holds the next slot.</param>
    /// <returns>
    /// Each segment holds the slot after the last one of the segment before it. Where several do, because two backups
    /// have written to one archive, the one that reaches farthest.
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
