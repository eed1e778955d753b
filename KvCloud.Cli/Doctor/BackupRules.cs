using System.Globalization;

namespace KvCloud.Cli.Doctor;

/// <summary>
/// Whether the newest backup is recent. Nodes do not know of archives, so this is known only where one is named.
/// </summary>
internal static class BackupRules
{
    public static IEnumerable<Finding> Archive(ClusterFacts facts)
    {
        if (facts.Archive is not { } archive)
        {
            yield return new Finding(
                Severity.Info,
                "backup-not-examined",
                Finding.Cluster,
                "no archive was named, so nobody knows here how old the newest backup is",
                "kv doctor --archive URL looks at it, too",
                Pages.Backup);
            yield break;
        }

        foreach (string problem in archive.Problems)
        {
            yield return new Finding(
                Severity.Error,
                "backup-damaged",
                archive.Address,
                problem,
                $"kv backup verify --from {archive.Address} tells what can be restored all the same",
                Pages.Backup);
        }

        if (archive.Newest is not { } newest)
        {
            yield return new Finding(
                Severity.Error,
                "backup-missing",
                archive.Address,
                "nothing can be restored from this archive",
                $"make a backup: kv backup create --to {archive.Address}",
                Pages.Backup);
        }
        else if (facts.At - newest > archive.Limit)
        {
            yield return new Finding(
                Severity.Warning,
                "backup-old",
                archive.Address,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"the newest moment that can be restored is {newest.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z,"
                    + $" {(facts.At - newest).TotalHours:0.0} hours ago"),
                "see why kv backup create does not run any more; with --continuous it loses seconds only",
                Pages.Backup);
        }
    }
}
