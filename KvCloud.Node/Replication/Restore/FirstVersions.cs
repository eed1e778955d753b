using KvCloud.Node.Operations;

namespace KvCloud.Node.Replication.Restore;

/// <summary>
/// The first version of a restored group: above every version that the backed-up group may have issued, after the
/// backup too, so that no client takes a version of the old group for one of the new.
/// </summary>
internal static class FirstVersions
{
    /// <summary>Versions left to the old group after the backup: 7.9 days of 100,000 writes a second.</summary>
    public const long Gap = 1L << 36;

    /// <summary>JavaScript, and many readers of JSON, represent integers exactly only up to here.</summary>
    public const long Limit = 1L << 53;

    /// <summary>A multiple of the gap, so that hosts with a little more or less of the log mostly agree.</summary>
    /// <param name="known">The highest version that the backup knows of, also after the point to restore.</param>
    /// <exception cref="RestoreRefusedException">No versions are left below the limit.</exception>
    public static CommitVersion After(CommitVersion known)
    {
        if (known.Value > Limit - (3 * Gap))
        {
            throw new RestoreRefusedException(
                RestoreFlaw.Backup,
                $"the backup has version {known}: no versions are left above it for another group");
        }

        return new CommitVersion((known.Value + Gap + Gap - 1) / Gap * Gap);
    }

    /// <exception cref="RestoreRefusedException">It is not above the known versions, or too high.</exception>
    public static CommitVersion Check(CommitVersion wanted, CommitVersion known) =>
        wanted > known && wanted.Value < Limit - Gap
            ? wanted
            : throw new RestoreRefusedException(
                RestoreFlaw.Request,
                $"the first version must lie above {known}, the highest that the backup knows of, and below"
                + $" {Limit - Gap}; it is {wanted}");
}
