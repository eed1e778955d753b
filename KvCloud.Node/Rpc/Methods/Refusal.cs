using KvCloud.Node.Operations;
using KvCloud.Node.Routing;
using KvCloud.Node.State;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>Why a call was refused, in the form that every answer of the contract can carry.</summary>
/// <param name="CodeText">Text for `error_code` if it differs from the code's name, as for an injected fault.</param>
internal readonly record struct Refusal(
    ErrorCode Code, string Message, string? LeaderEndpoint = null, string? CodeText = null)
{
    /// <summary>Whose call was refused; null unless it was refused for a missing login or right.</summary>
    public Denial? Denial { get; init; }

    /// <summary>For the `error_code` fields of the contract.</summary>
    public string ErrorCodeText => CodeText ?? Code.ToString();

    /// <summary>False when the read was admitted.</summary>
    public static bool TryOf(in ReadAdmission admission, out Refusal refusal)
    {
        bool isRefused = admission.Code != KvStatus.Ok;
        refusal = isRefused ? Of(admission.Code.ToErrorCode(), admission.Message, admission.LeaderEndpoint) : default;
        return isRefused;
    }

    /// <summary>False when the store was read.</summary>
    public static bool TryOf(in GetResult result, out Refusal refusal)
    {
        bool isRefused = result.Code != KvStatus.Ok;
        refusal = isRefused ? Of(result.Code.ToErrorCode(), result.Message) : default;
        return isRefused;
    }

    /// <summary>False when the range was read.</summary>
    public static bool TryOf(RangeResult result, out Refusal refusal)
    {
        bool isRefused = result.Code != KvStatus.Ok;
        refusal = isRefused ? Of(result.Code.ToErrorCode(), result.Message) : default;
        return isRefused;
    }

    /// <summary>False when the command took effect.</summary>
    public static bool TryOf(in CommandResult result, out Refusal refusal)
    {
        bool isRefused = result.Code != KvStatus.Ok;
        refusal = isRefused ? Of(in result) : default;
        return isRefused;
    }

    public static Refusal Of(in CommandResult result) =>
        Of(result.Code.ToErrorCode(), result.Message, result.LeaderEndpoint);

    public static Refusal Of(ErrorCode code, string? message, string? leaderEndpoint = null) => code switch
    {
        // Clients of the existing server recognize a follower by these two words.
        ErrorCode.NOT_LEADER when message is null || !message.StartsWith("Not leader", StringComparison.Ordinal) =>
            new(
                code,
                leaderEndpoint is null ? "Not leader" : $"Not leader: the leader is {leaderEndpoint}",
                leaderEndpoint),
        _ => new(code, message ?? DefaultMessage(code), leaderEndpoint),
    };

    /// <summary>To say that the caller may not would be a guess: what is known here may be stale.</summary>
    public static Refusal OfUnconfirmed(ErrorCode code, string? why, Denial? denial) =>
        new(code, $"whether the caller may do this could not be told: {why}; nothing was done") { Denial = denial };

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
