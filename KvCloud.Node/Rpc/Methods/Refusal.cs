using KvCloud.Node.Operations;
using KvCloud.Node.Routing;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>Why a call was not done as asked, as every answer of the contract can carry it.</summary>
/// <param name="CodeText">What `error_code` says where it is not the code's own name: an injected fault.</param>
internal readonly record struct Refusal(
    ErrorCode Code, string Message, string? LeaderEndpoint = null, string? CodeText = null)
{
    /// <summary>For the `error_code` fields of the contract.</summary>
    public string ErrorCodeText => CodeText ?? Code.ToString();

    public static Refusal Of(in ReadAdmission admission) =>
        Of(admission.Code.ToErrorCode(), admission.Message, admission.LeaderEndpoint);

    public static Refusal Of(in CommandResult result) =>
        Of(result.Code.ToErrorCode(), result.Message, result.LeaderEndpoint);

    public static Refusal Of(KvStatus status, string? message) => Of(status.ToErrorCode(), message);

    public static Refusal Of(ErrorCode code, string? message, string? leaderEndpoint = null) => code switch
    {
        // Clients of the old server know a follower by these two words.
        ErrorCode.NOT_LEADER when message is null || !message.StartsWith("Not leader", StringComparison.Ordinal) =>
            new(code, leaderEndpoint is null ? "Not leader" : $"Not leader: the leader is {leaderEndpoint}", leaderEndpoint),
        _ => new(code, message ?? DefaultMessage(code), leaderEndpoint),
    };

    public static Refusal InvalidArgument(string message) => new(ErrorCode.INVALID_ARGUMENT, message);

    private static string DefaultMessage(ErrorCode code) => code switch
    {
        ErrorCode.NO_LEADER => "No leader is known at the moment",
        ErrorCode.OUTCOME_UNKNOWN => "The write may or may not be applied",
        ErrorCode.TIMEOUT => "The deadline passed before the call had any effect",
        ErrorCode.CONFLICT => "Something the transaction read was written after its read version",
        ErrorCode.VERSION_TOO_OLD => "The version lies below the retention window",
        ErrorCode.VERSION_IN_FUTURE => "Nobody has issued that version yet",
        ErrorCode.SHUTTING_DOWN => "The node is draining before it stops",
        _ => code.ToString(),
    };
}
