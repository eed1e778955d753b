namespace KvCloud.Cli.Transfer;

/// <summary>The cluster cannot continue the transfer: all later entries would fail too.</summary>
internal sealed class TransferStoppedException(string message, int code, Exception cause) : Exception(message, cause)
{
    public int Code { get; } = code;
}
