using KvCloud.Cli.Demo;

namespace KvCloud.Cli.Backup;

/// <summary>
/// The first signal ends a command in order: what was read is written, leases are given back. The second ends it now.
/// </summary>
internal static class BackupStop
{
    public static StopSignals Listen(CancellationToken cancellationToken) =>
        new(() => Environment.Exit(ExitCode.Interrupted), cancellationToken);
}
