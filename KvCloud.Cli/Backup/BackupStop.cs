using KvCloud.Cli.Demo;

namespace KvCloud.Cli.Backup;

/// <summary>
/// The first signal stops a command gracefully: log that was read is written, leases are released. The second stops it
/// at once.
/// </summary>
internal static class BackupStop
{
    public static StopSignals Listen(CancellationToken cancellationToken) =>
        new(() => Environment.Exit(ExitCode.Interrupted), cancellationToken);
}
