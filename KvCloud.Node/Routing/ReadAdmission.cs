using KvCloud.Node.Operations;

namespace KvCloud.Node.Routing;

/// <summary>Whether a read may use this replica's store now.</summary>
/// <param name="Code">OK to read, else the reason why not.</param>
/// <param name="Message">The reason in detail, for people; null when OK.</param>
/// <param name="LeaderEndpoint">Client endpoint of the leader, with NOT_LEADER.</param>
internal readonly record struct ReadAdmission(KvStatus Code, string? Message = null, string? LeaderEndpoint = null)
{
    public static readonly ReadAdmission Ok = new(KvStatus.Ok);
}
