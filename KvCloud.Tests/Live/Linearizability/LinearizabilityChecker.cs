namespace KvCloud.Tests.Live.Linearizability;

/// <summary>
/// Is there one order of all operations, each at a moment between its start and its end, in which every read sees the
/// last write before it? Linearizability is local (Herlihy and Wing, 1990, theorem 1), so each key is a register of its
/// own. The search is Wing and Gong's (1993) with Lowe's memory of states already tried (2017): depth first over which
/// of the operations under way took effect next.
/// </summary>
/// <remarks>
/// A write whose outcome is unknown may take effect at any time later, also behind everything else, which is the same
/// as never. It costs the search dearly, because it is under way for ever. So before the search: if nobody has seen
/// its value it is left out, for whoever takes it out of an order has an order still (only writes and what does not
/// look can follow it); if somebody has, and no other write has that value, then it took effect before that one's end.
/// </remarks>
internal static class LinearizabilityChecker
{
    /// <summary>Each key whose operations have no such order, with words for people; empty when all is well.</summary>
    public static IReadOnlyList<string> Check(IEnumerable<RecordedOperation> history) =>
    [
        .. history.GroupBy(operation => operation.Key, StringComparer.Ordinal)
            .OrderBy(key => key.Key, StringComparer.Ordinal)
            .Select(key => CheckKey(key.Key, [.. key]))
            .OfType<string>(),
    ];

    private static string? CheckKey(string key, RecordedOperation[] operations)
    {
        RecordedOperation[] bounded = [.. Bound(operations).OrderBy(operation => operation.Start)];
        return new LinearizationSearch(bounded).Run() is { } stuck
            ? $"{key}: no order of its {operations.Length} operations; behind the longest one found"
                + $" ({stuck.Placed} of {bounded.Length}) the value is {stuck.Value} and next must come one of\n  "
                + string.Join("\n  ", stuck.Next)
            : null;
    }

    private static IEnumerable<RecordedOperation> Bound(RecordedOperation[] operations)
    {
        Dictionary<long, long> firstSeen = [];
        Dictionary<long, int> writers = [];
        foreach (RecordedOperation operation in operations)
        {
            // One of unknown outcome proves nothing: it may not have taken effect, and so not have seen anything.
            if (operation is { IsUnknown: false, Seen: long seen })
            {
                firstSeen[seen] = Math.Min(firstSeen.GetValueOrDefault(seen, long.MaxValue), operation.End);
            }

            if (operation.Kind != OperationKind.Read)
            {
                writers[operation.Written] = writers.GetValueOrDefault(operation.Written) + 1;
            }
        }

        // Only what an unknown transaction expects: it may take effect on that value, and be seen itself.
        HashSet<long> expected =
            [.. operations.Where(operation => operation.IsUnknown).Select(operation => operation.Seen).OfType<long>()];
        foreach (RecordedOperation operation in operations)
        {
            bool isUnique = operation.Written != RecordedOperation.Absent
                && writers.GetValueOrDefault(operation.Written) == 1;
            if (!operation.IsUnknown || operation.Kind == OperationKind.Read || !isUnique)
            {
                yield return operation;
            }
            else if (firstSeen.TryGetValue(operation.Written, out long end))
            {
                // It must have taken effect: a transaction then is as good as one that was acknowledged.
                yield return operation with { End = end };
            }
            else if (expected.Contains(operation.Written))
            {
                yield return operation;
            }
        }
    }
}
