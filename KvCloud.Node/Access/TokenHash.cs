using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace KvCloud.Node.Access;

/// <summary>
/// SHA-256 of a token: a token is long and random, so that nobody finds it from its hash, however fast hashing is.
/// </summary>
internal readonly record struct TokenHash(UInt128 High, UInt128 Low)
{
    public const int SizeBytes = 32;

    public static TokenHash Of(string token) => Read(SHA256.HashData(Encoding.UTF8.GetBytes(token)));

    /// <param name="bytes"><see cref="SizeBytes"/> of them.</param>
    public static TokenHash Read(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadUInt128BigEndian(bytes), BinaryPrimitives.ReadUInt128BigEndian(bytes[16..]));

    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt128BigEndian(destination, High);
        BinaryPrimitives.WriteUInt128BigEndian(destination[16..], Low);
    }

    /// <summary>Nothing of it belongs into a log.</summary>
    public override string ToString() => "a token's hash";
}
