using System.Globalization;
using KvCloud.Cli.Cluster;

namespace KvCloud.Cli.Doctor;

/// <summary>What a member says of itself and of the machine below it.</summary>
internal static class MachineRules
{
    public static readonly TimeSpan CertificateWarning = TimeSpan.FromDays(30);
    public static readonly TimeSpan CertificateAlarm = TimeSpan.FromDays(7);

    public static IEnumerable<Finding> Health(ClusterFacts facts) => facts.Now.Members
        .Where(member => member.Own is { Status: not "healthy" })
        .Select(member => new Finding(
            Severity.Warning,
            "member-" + member.Own!.Status,
            Finding.Node(member.Id),
            $"it says of itself that it is {member.Own.Status}"
            + (member.Own.StatusReason is { } reason ? $": {reason}" : ""),
            "do what the other findings about it say; if there is none, its log has the reason",
            Pages.Health));

    public static IEnumerable<Finding> Disks(ClusterFacts facts)
    {
        foreach (NodeFacts node in facts.Nodes)
        {
            double space = node.Metric("kvcloud_disk_space") ?? 0;
            if (space > 0)
            {
                string free = node.Metric("kvcloud_disk_free_bytes") is { } bytes
                    ? string.Create(CultureInfo.InvariantCulture, $"{bytes / (1024 * 1024):0} MB are free")
                    : "little is free";
                yield return new Finding(
                    space >= 2 ? Severity.Error : Severity.Warning,
                    space >= 2 ? "disk-full" : "disk-low",
                    Finding.Node(node.Id),
                    $"{free} on the volume of its data directory, "
                    + (space >= 2 ? "so it accepts nothing more" : "so it leaves leading to others"),
                    "free or add space there. Deletes are taken while space is low, and what they free is given back"
                    + " once it has left the window of versions",
                    space >= 2 ? Pages.SpaceExhausted : Pages.SpaceLow);
            }

            if (node.Metric("kvcloud_disk_slow") > 0)
            {
                yield return new Finding(
                    Severity.Warning,
                    "disk-slow",
                    Finding.Node(node.Id),
                    "a write of its log has taken longer than [database] log_stall_ms lately",
                    "look for what else uses that disk, and at its health (dmesg, smartctl); kv top shows how long"
                    + " syncs take",
                    Pages.Stalls);
            }
        }
    }

    public static IEnumerable<Finding> Data(ClusterFacts facts)
    {
        foreach (NodeFacts node in facts.Nodes)
        {
            switch (node.Metric("kvcloud_data_state"))
            {
                case 1:
                    yield return new Finding(
                        Severity.Error,
                        "data-damaged",
                        Finding.Node(node.Id),
                        "its data are damaged, and it answers no read from them"
                        + (node.Member.Own?.StatusReason is { } reason ? $": {reason}" : ""),
                        $"have them made anew from another replica: kv member rebuild {node.Id}. Then have the disk"
                        + " examined",
                        Pages.Damage);
                    break;
                case 2:
                    yield return new Finding(
                        Severity.Warning,
                        "data-replaced",
                        Finding.Node(node.Id),
                        "its data were damaged, and are being made anew from another replica",
                        "wait, and have the disk examined",
                        Pages.Damage);
                    break;
            }
        }
    }

    public static IEnumerable<Finding> Certificates(ClusterFacts facts)
    {
        foreach (NodeFacts node in facts.Nodes)
        {
            (string What, string Name, double? Left)[] ends =
            [
                ("certificate", "certificate-ends", node.Metric("kvcloud_tls_certificate_expiry_seconds")),
                ("CA of its certificate", "ca-ends", node.Metric("kvcloud_tls_ca_expiry_seconds")),
            ];
            foreach ((string what, string name, double? left) in ends)
            {
                if (left < CertificateWarning.TotalSeconds)
                {
                    yield return new Finding(
                        left < CertificateAlarm.TotalSeconds ? Severity.Error : Severity.Warning,
                        name,
                        Finding.Node(node.Id),
                        left <= 0
                            ? $"the {what} has ended"
                            : string.Create(
                                CultureInfo.InvariantCulture, $"the {what} ends in {left / 86_400:0.0} days"),
                        "make a new one (kv cert create-node) and put it in the place of the old: the node takes it"
                        + " without a restart",
                        name == "ca-ends" ? Pages.Authority : Pages.Certificate);
                }
            }
        }
    }

    /// <summary>What the doctor could not look at is said, so that no finding is not taken for no fault.</summary>
    public static IEnumerable<Finding> Unanswered(ClusterFacts facts) => facts.Nodes
        .Where(node => node.HttpError is not null)
        .Select(node => new Finding(
            Severity.Info,
            "not-examined",
            Finding.Node(node.Id),
            $"disk, data, certificates or settings were not looked at: {node.HttpError}",
            "let this machine reach the node's HTTP port, and log in as an administrator where rights are asked for",
            Pages.Http));
}
