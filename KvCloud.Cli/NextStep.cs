using KvCloud.Client;
using KvCloud.Protocol;

namespace KvCloud.Cli;

/// <summary>What to do about a call that failed: the line below its message.</summary>
internal static class NextStep
{
    /// <summary>Null where the message says it already.</summary>
    public static string? Of(KvCloudException exception) => exception switch
    {
        { OutcomeKnown: false } =>
            "read the key before you write it again: the write may have happened, or may still",
        { ErrorCode: ErrorCode.NETWORK } =>
            "say where the cluster is (--endpoints, or kv config add); does it run, and does it speak TLS (--ca FILE)?"
            + " kv demo starts one here",
        _ => Of(exception.ErrorCode),
    };

    private static string? Of(ErrorCode code) => code switch
    {
        ErrorCode.NO_LEADER or ErrorCode.NO_SPACE or ErrorCode.CORRUPTION => "kv doctor says why, and what to do",
        ErrorCode.NOT_LEADER => "try again: the leader changes at the moment",
        ErrorCode.UNAUTHENTICATED =>
            "log in: --user NAME with --password-file FILE, or --token-file FILE; kv config keeps them",
        ErrorCode.PERMISSION_DENIED => "an administrator gives rights: kv user grant NAME read,write --prefix P",
        ErrorCode.COLUMN_FAMILY_NOT_FOUND => "kv cf list shows those there are; kv cf create NAME makes one",
        ErrorCode.VERSION_TOO_OLD =>
            "that version has left the window of [mvcc] retention_seconds; read without --at-version",
        ErrorCode.VERSION_IN_FUTURE => "kv stats shows applied_version, the newest there is",
        ErrorCode.CONFLICT => "run it again: another write came in between, and nothing was done",
        ErrorCode.OVERLOADED => "try again later, or with fewer calls at once; kv top shows what the nodes do",
        ErrorCode.TIMEOUT or ErrorCode.TOO_STALE => "kv status shows which nodes lag; --timeout 60s waits longer",
        ErrorCode.TRANSACTION_TOO_LARGE or ErrorCode.TOO_MANY_OPERATIONS => "split it into several transactions",
        ErrorCode.FEATURE_NOT_ACTIVE => "finish the upgrade of all replicas first: kv member list shows their releases",
        _ => null,
    };
}
