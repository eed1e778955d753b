namespace KvCloud.Node.State;

/// <summary>
/// The group's feature level is above what this replica can follow. It stops rather than guess: what it does not know
/// it would apply otherwise than the others do.
/// </summary>
internal sealed class FeatureLevelException(int level, int supported) : Exception(
    $"The group's feature level is {level}, and this replica can follow {supported} at most: start the release that the"
    + " other members run, without [cluster] max_wire_version. A feature level never falls.");
