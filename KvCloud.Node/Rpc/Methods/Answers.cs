using KvCloud.Protocol;
using Thrift.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>The fields that answers of the contract share.</summary>
internal static class Answers
{
    /// <summary>Says in the answer why the call was not done, by the fields that it has for that.</summary>
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

        // An optional field that is set to null would be written.
        if (answer is ILeaderAnswer withLeader && refusal.LeaderEndpoint is { } leader)
        {
            withLeader.LeaderEndpoint = leader;
        }

        return answer;
    }

    /// <summary>OK where the answer has no field for a code.</summary>
    public static ErrorCode CodeOf(TBase answer) => (answer as IAnswer)?.Code ?? ErrorCode.OK;
}
