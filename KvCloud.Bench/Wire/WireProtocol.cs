using KvCloud.Protocol.Wire;

namespace KvCloud.Bench.Wire;

/// <summary>
/// The protocol of one connection, between buffers: it has no socket and no clock, so that the same loop drives both
/// servers. Not thread-safe.
/// </summary>
internal abstract class WireProtocol
{
    /// <summary>Writes what the client sends first.</summary>
    public abstract void Open(WireBuffer output);

    /// <summary>
    /// Writes <paramref name="call"/>. Its answer will carry <paramref name="token"/>, which no other call in flight
    /// has.
    /// </summary>
    public abstract void Write(in WireCall call, int token, WireBuffer output);

    /// <summary>
    /// Consumes whole messages from <paramref name="input"/> and adds their answers. May write replies that the
    /// protocol itself requires.
    /// </summary>
    public abstract void Read(WireBuffer input, List<WireAnswer> answers, WireBuffer output);
}
