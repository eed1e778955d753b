using System.Globalization;
using System.IO.Hashing;
using System.Text;
using System.Text.Json;
using KvCloud.Consensus;

namespace KvCloud.Node.Replication.Restore;

/// <summary>The plan of a recovery: a file that an operator reviews before applying it.</summary>
/// <param name="Survivors">Ordered by node id.</param>
/// <param name="BaseNode">The survivor with the highest applied slot, whose data are taken.</param>
/// <param name="KnownSlot">Every slot up to here is known to be chosen.</param>
/// <param name="LastSlot">The last slot that the new group begins with.</param>
/// <param name="Decided">The slots above the known one whose values the recovery decides.</param>
/// <param name="Holes">The slots among them that no survivor has: what they held is lost.</param>
/// <param name="Loss">What may be lost, in words.</param>
/// <param name="Checksum">Covers everything else.</param>
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

    /// <summary>A survivor.</summary>
    /// <param name="Promised">The highest ballot that it promised, as round and node.</param>
    /// <param name="Fingerprint">A hash over what was read in its directory.</param>
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

    /// <summary>A slot, and the highest ballot at which a survivor accepted a value in it.</summary>
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
            $"Nothing is lost up to slot {known}. Above it everything is lost that the missing voters chose and no"
            + " survivor accepted, acknowledged writes included: what they chose in the holes, in a slot for which"
            + $" another value is decided here, and above slot {last}. How much that is cannot be known from here."
            + " Writes in the slots under 'decided' take effect, even if their clients were told that the outcome is"
            + " unknown, or that another write took the slot.",
            "");
        return plan with { Checksum = plan.Sum() };
    }

    public string Write() => JsonSerializer.Serialize(this, Json);

    /// <exception cref="RestoreRefusedException">The text was not made by <see cref="Write"/>.</exception>
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
            // Refused below, like a plan that was edited.
        }

        throw new RestoreRefusedException(
            RestoreFlaw.Request, $"{path} is not a recovery plan, or was edited: make another with 'recover plan'");
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
