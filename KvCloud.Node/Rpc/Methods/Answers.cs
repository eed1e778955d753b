using KvCloud.Protocol;
using Thrift.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>The fields that answers of the contract share.</summary>
internal static class Answers
{
    /// <summary>Fills the error fields that the answer has with the reason why the call was refused.</summary>
    public static TAnswer Fill<TAnswer>(TAnswer answer, in Refusal refusal)
        where TAnswer : TBase
    {
        if (answer is IAnswer any)
        {
            any.Error = refusal.Message;
            any.Code = refusal.Code;
        }

        if (answer is ICodeTextAnswer withText)
        {
            withText.ErrorCode = refusal.ErrorCodeText;
        }

        // The generated code would write an optional field that is set to null.
        if (answer is ILeaderAnswer withLeader && refusal.LeaderEndpoint is { } leader)
        {
            withLeader.LeaderEndpoint = leader;
        }

        return answer;
    }

    /// <summary>The answer's code; OK if the answer has no field for one.</summary>
    public static ErrorCode CodeOf(TBase answer) => (answer as IAnswer)?.Code ?? ErrorCode.OK;
}
