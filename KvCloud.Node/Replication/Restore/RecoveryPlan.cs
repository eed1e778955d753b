using System.Globalization;
using System.IO.Hashing;
using System.Text;
using System.Text.Json;
using KvCloud.Consensus;

namespace KvCloud.Node.Replication.Restore;

/// <summary>What a recovery would take, as a file that an operator reads before he lets it happen.</summary>
/// <param name="Survivors">In the order of their ids.</param>
/// <param name="BaseNode">Knows the most to be chosen: its data is taken.</param>
/// <param name="KnownSlot">Up to here all is known to be chosen.</param>
/// <param name="LastSlot">The last slot of the new group.</param>
/// <param name="Decided">Slots above the known one, whose outcome becomes decided.</param>
/// <param name="Holes">Slots among them that no survivor has: what they held is lost.</param>
/// <param name="Loss">What may be lost, in words.</param>
/// <param name="Checksum">Of all the rest.</param>
internal sealed record RecoveryPlan(
    string ClusterId,
    IReadOnlyList<RecoveryPlan.Replica> Survivors,
    IReadOnlyList<int> Voters,
    IReadOnlyList<int> MissingVoters,
    int BaseNode,
    long KnownSlot,
    long LastSlot,
    IReadOnlyList<RecoveryPlan.Decision> Decided,
    IReadOnlyList<long> Holes,
    string Loss,
    string Checksum)
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
    };

    /// <summary>A replica that is left.</summary>
    /// <param name="Promised">Round and node of the highest ballot it promised.</param>
    /// <param name="Fingerprint">Of all that was looked at in its directory.</param>
    internal sealed record Replica(
        string Path,
        int NodeId,
        string Promised,
        long FirstSlot,
        long LastSlot,
        long ChosenSlot,
        long AppliedSlot,
        long AppliedVersion,
        string StateHash,
        string Fingerprint);

    /// <summary>A slot whose value was accepted at this ballot by a survivor.</summary>
    internal sealed record Decision(long Slot, string Ballot, string Kind, int Bytes);

    public static RecoveryPlan Of(LostQuorum lost)
    {
        Slot known = lost.Base.Applied.Slot;
        Slot last = lost.Decided.Count == 0 ? known : lost.Decided[^1].Slot;
        var plan = new RecoveryPlan(
            lost.Base.Identity.ClusterId,
            [.. lost.Survivors.Select(Describe)],
            [.. lost.Members.Members.Where(member => member.IsVoter).Select(member => member.Id.Value)],
            [.. lost.MissingVoters.Select(node => node.Value)],
            lost.Base.Identity.NodeId,
            known.Value,
            last.Value,
            [.. lost.Decided.Where(entry => !lost.Holes.Contains(entry.Slot)).Select(entry => new Decision(
                entry.Slot.Value, entry.Accepted.ToString(), entry.Value.Kind.ToString(), entry.Value.Payload.Length))],
            [.. lost.Holes.Select(slot => slot.Value)],
            $"Whatever the missing voters chose above slot {last} is lost, acknowledged writes among it; how much"
            + " that is nobody can know from here. Writes of the slots under 'decided' may have been left unknown to"
            + " their clients, and become done.",
            "");
        return plan with { Checksum = plan.Sum() };
    }

    public string Write() => JsonSerializer.Serialize(this, Json);

    /// <exception cref="RestoreRefusedException">It is not what <see cref="Write"/> made.</exception>
    public static RecoveryPlan Read(string text, string path)
    {
        try
        {
            RecoveryPlan? plan = JsonSerializer.Deserialize<RecoveryPlan>(text, Json);
            if (plan is not null && plan.Checksum == plan.Sum())
            {
                return plan;
            }
        }
        catch (JsonException)
        {
            // As a plan that was changed.
        }

        throw new RestoreRefusedException(
            RestoreFlaw.Request, $"{path} is no plan, or was changed: make another by 'recover plan'");
    }

    private string Sum() => Hex(XxHash128.HashToUInt128(Encoding.UTF8.GetBytes((this with { Checksum = "" }).Write())));

    private static Replica Describe(Survivor survivor) => new(
        survivor.Path,
        survivor.Identity.NodeId,
        survivor.Promised.ToString(),
        survivor.FirstSlot.Value,
        survivor.LastSlot.Value,
        survivor.ChosenSlot.Value,
        survivor.Applied.Slot.Value,
        survivor.Applied.Version.Value,
        survivor.Applied.StateHash.ToString("x16", CultureInfo.InvariantCulture),
        Hex(survivor.Fingerprint));

    private static string Hex(UInt128 value) => value.ToString("x32", CultureInfo.InvariantCulture);
}
