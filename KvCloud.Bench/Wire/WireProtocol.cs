using KvCloud.Protocol.Wire;

namespace KvCloud.Bench.Wire;

/// <summary>
/// One connection's protocol between buffers: no socket and no clock, so that both servers are driven by the very same
/// loop. One thread.
/// </summary>
internal abstract class WireProtocol
{
    /// <summary>What the client says first.</summary>
    public abstract void Open(WireBuffer output);

    /// <summary>
    /// Writes <paramref name="call"/>; its answer will bear <paramref name="token"/>, which no other call in flight
    /// has.
    /// </summary>
    public abstract void Write(in WireCall call, int token, WireBuffer output);

    /// <summary>
    /// Takes whole messages off <paramref name="input"/> and adds their answers; may write replies the protocol itself
    /// asks for.
    /// </summary>
    public abstract void Read(WireBuffer input, List<WireAnswer> answers, WireBuffer output);
}
