namespace KvCloud.Cli.Doctor;

/// <summary>What is wrong with a cluster, by what its members say; the gravest first. Asks nobody.</summary>
internal static class Diagnosis
{
    private static readonly Func<ClusterFacts, IEnumerable<Finding>>[] Rules =
    [
        QuorumRules.Leadership,
        QuorumRules.Members,
        QuorumRules.VotersInNumber,
        QuorumRules.VotersOnOneMachine,
        QuorumRules.Learners,
        QuorumRules.Links,
        AgreementRules.Lag,
        AgreementRules.States,
        AgreementRules.Releases,
        AgreementRules.Settings,
        AgreementRules.Clocks,
        MachineRules.Health,
        MachineRules.Disks,
        MachineRules.Data,
        ScrubRules.Rounds,
        MachineRules.Certificates,
        MachineRules.Unanswered,
        BackupRules.Archive,
    ];

    public static IReadOnlyList<Finding> Of(ClusterFacts facts) =>
    [
        .. Rules.SelectMany(rule => rule(facts)).OrderByDescending(finding => finding.Severity),
    ];
}
