namespace KvCloud.Client;

/// <summary>Stands for what a versionstamped write of a transaction will have generated once it is committed.</summary>
public sealed class KvVersionstampHandle
{
    private byte[]? _generated;

    internal KvVersionstampHandle()
    {
    }

    /// <summary>True once the transaction is committed and the server has told what it generated.</summary>
    public bool IsKnown => _generated is not null;

    /// <summary>The key, or the value, as it was written.</summary>
    /// <exception cref="InvalidOperationException">The transaction is not committed.</exception>
    public ReadOnlyMemory<byte> Generated =>
        _generated ?? throw new InvalidOperationException(
            "The versionstamp is known only once the transaction is committed.");

    internal void Settle(byte[] generated) => _generated = generated;
}
