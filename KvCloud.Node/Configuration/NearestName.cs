namespace KvCloud.Node.Configuration;

/// <summary>Suggests the name that a mistyped one was probably meant to be.</summary>
internal static class NearestName
{
    /// <summary>
    /// The candidate with the smallest edit distance (insert, delete, replace) if that is at most a third of the
    /// letters; otherwise a candidate that starts with the name; null if there is neither. Case, underscores and dashes
    /// are ignored.
    /// </summary>
    public static string? Of(string written, IReadOnlyCollection<string> candidates)
    {
        string name = Plain(written);
        string? nearest = null;
        int nearestDistance = int.MaxValue;
        foreach (string candidate in candidates)
        {
            int distance = Distance(name, Plain(candidate));
            if (distance < nearestDistance)
            {
                (nearest, nearestDistance) = (candidate, distance);
            }
        }

        return nearestDistance <= Math.Max(2, name.Length / 3)
            ? nearest
            : candidates.FirstOrDefault(candidate => Plain(candidate).StartsWith(name, StringComparison.Ordinal));
    }

    private static string Plain(string name) =>
        name.Replace("_", "", StringComparison.Ordinal).Replace("-", "", StringComparison.Ordinal).ToLowerInvariant();

    /// <summary>Levenshtein distance, computed one row at a time.</summary>
    private static int Distance(string left, string right)
    {
        int[] row = [.. Enumerable.Range(0, right.Length + 1)];
        for (int i = 1; i <= left.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= right.Length; j++)
            {
                int replaced = diagonal + (left[i - 1] == right[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[right.Length];
    }
}
