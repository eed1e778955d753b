using KvCloud.Client;
using KvCloud.Protocol;

namespace KvCloud.Cli;

/// <summary>Exit codes of `kv` for scripts; docs/kv.md has the table.</summary>
internal static class ExitCode
{
    public const int Ok = 0;

    /// <summary>The cluster answered, but the result is negative: not found, a mismatch, or a conflict.</summary>
    public const int No = 1;

    /// <summary>The command line is invalid.</summary>
    public const int Usage = 2;

    /// <summary>The cluster, or the selected node, cannot serve the command now.</summary>
    public const int Unavailable = 3;

    /// <summary>A write may or may not have taken effect.</summary>
    public const int OutcomeUnknown = 4;

    /// <summary>Ctrl-C: 128 + SIGINT, the convention of shells.</summary>
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
                or ErrorCode.COLUMN_FAMILY_NOT_FOUND or ErrorCode.COLUMN_FAMILY_EXISTS
                or ErrorCode.ACCESS_NOT_FOUND or ErrorCode.ACCESS_EXISTS or ErrorCode.LAST_ADMIN => No,
            ErrorCode.INVALID_ARGUMENT or ErrorCode.INVALID_OPERATION or ErrorCode.KEY_TOO_LARGE
                or ErrorCode.VALUE_TOO_LARGE or ErrorCode.TRANSACTION_TOO_LARGE or ErrorCode.TOO_MANY_OPERATIONS
                or ErrorCode.NOT_SUPPORTED or ErrorCode.UNAUTHENTICATED or ErrorCode.PERMISSION_DENIED => Usage,
            _ => Unavailable,
        };
    }

    /// <summary>The more severe of two exit codes.</summary>
    public static int Worst(int left, int right) => Math.Max(left, right);
}
