using KvCloud.Node.Operations;

namespace KvCloud.Node.Replication.Restore;

/// <summary>
/// Where the versions of a restored group begin: above every version that the group of the backup may have issued,
/// after the backup too. Whoever has seen one of those must not take it for one of the new group.
/// </summary>
internal static class FirstVersions
{
    /// <summary>So many writes the old group is given after the backup: seven days of 100,000 a second.</summary>
    public const long Gap = 1L << 36;

    /// <summary>Larger numbers are not exact in JavaScript, and not in JSON as many programs read it.</summary>
    public const long Limit = 1L << 53;

    /// <summary>A multiple of the gap, so that hosts which know a little more or less of the log agree.</summary>
    /// <param name="known">The highest version that the backup knows of, beyond the point of the restore too.</param>
    /// <exception cref="RestoreRefusedException">The numbers are used up.</exception>
    public static CommitVersion After(CommitVersion known)
    {
        if (known.Value > Limit - (3 * Gap))
        {
            throw new RestoreRefusedException(
                RestoreFlaw.Backup, $"after version {known} no room is left for those of another group");
        }

        return new CommitVersion((known.Value + Gap + Gap - 1) / Gap * Gap);
    }

    /// <exception cref="RestoreRefusedException">It is not above what the backup knows, or too high.</exception>
    public static CommitVersion Check(CommitVersion wanted, CommitVersion known) =>
        wanted > known && wanted.Value < Limit - Gap
            ? wanted
            : throw new RestoreRefusedException(
                RestoreFlaw.Request,
                $"the first version must lie above {known}, the highest that the backup knows of, and below"
                + $" {Limit - Gap}; it is {wanted}");
}
