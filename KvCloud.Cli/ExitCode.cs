using KvCloud.Client;
using KvCloud.Protocol;

namespace KvCloud.Cli;

/// <summary>What `kv` tells a script. docs/client.md has the table.</summary>
internal static class ExitCode
{
    public const int Ok = 0;

    /// <summary>Not found, a mismatch, a conflict: the cluster answered, but not what was hoped for.</summary>
    public const int No = 1;

    /// <summary>The command itself is wrong.</summary>
    public const int Usage = 2;

    /// <summary>The cluster, or the node that was asked for, cannot do it now.</summary>
    public const int Unavailable = 3;

    /// <summary>A write may or may not have happened.</summary>
    public const int OutcomeUnknown = 4;

    /// <summary>Ctrl-C, as shells count it.</summary>
    public const int Interrupted = 130;

    public static int For(KvCloudException exception)
    {
        if (!exception.OutcomeKnown)
        {
            return OutcomeUnknown;
        }

        return exception.ErrorCode switch
        {
            ErrorCode.CONFLICT or ErrorCode.VERSION_TOO_OLD or ErrorCode.VERSION_IN_FUTURE
                or ErrorCode.COLUMN_FAMILY_NOT_FOUND or ErrorCode.COLUMN_FAMILY_EXISTS => No,
            ErrorCode.INVALID_ARGUMENT or ErrorCode.INVALID_OPERATION or ErrorCode.KEY_TOO_LARGE
                or ErrorCode.VALUE_TOO_LARGE or ErrorCode.TRANSACTION_TOO_LARGE or ErrorCode.TOO_MANY_OPERATIONS
                or ErrorCode.NOT_SUPPORTED or ErrorCode.UNAUTHENTICATED => Usage,
            _ => Unavailable,
        };
    }

    /// <summary>Of several failures the one that most needs attention.</summary>
    public static int Worst(int left, int right) => Math.Max(left, right);
}
