namespace KvCloud.Tests.Simulation;

/// <summary>What world a sabotage needs in order to do its harm soon.</summary>
internal static class SabotageProfiles
{
    /// <summary>Some faults need the right kind of trouble to show; the seed still decides when and where.</summary>
    public static SimProfile Favour(this Sabotage sabotage, SimProfile profile) => sabotage switch
    {
        // Late answers to a node's requests, and its restart in between.
        Sabotage.ReusesReadIds => profile with
        {
            Nodes = 3,
            Clients = 12,
            ThinkMaxMs = 4,
            LossPerMille = 0,
            MaxDelayUs = 30_000,
            HeldUpPerMille = 500,
            HeldUpMaxMs = 400,
            PartitionEveryMs = 0,
            CrashEveryMs = 300,
            PauseEveryMs = 0,
            DiskTroubleEveryMs = 0,
            ApplyMaxMs = 3,
        },
        Sabotage.CountsStalePromises => profile with
        {
            Nodes = 5,
            PartitionEveryMs = 150,
            CrashEveryMs = 0,
        },
        // A node that replaces its lost entries on a slow disk is asked by one whom the leader does not answer.
        Sabotage.CatchUpReadsAheadOfLog => profile with
        {
            Nodes = 5,
            Clients = 6,
            ThinkMaxMs = 10,
            LossPerMille = 200,
            MaxDelayUs = 2_000,
            HeldUpPerMille = 0,
            SyncMaxUs = 200_000,
            PartitionEveryMs = 400,
            CrashEveryMs = 0,
            PauseEveryMs = 0,
            DiskTroubleEveryMs = 0,
            MaxInFlightSlots = 256,
        },
        _ => profile,
    };
}
