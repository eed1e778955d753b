using System.Globalization;
using System.IO.Hashing;

namespace KvCloud.Backup.Format;

/// <summary>XxHash128 as 32 hexadecimal digits: the hash that replicas give for the files of a snapshot.</summary>
internal static class ContentHash
{
    public const int Digits = 32;

    public static string Text(UInt128 hash) => hash.ToString("x32", CultureInfo.InvariantCulture);

    public static string Of(ReadOnlySpan<byte> content) => Text(XxHash128.HashToUInt128(content));

    public static bool IsHash(string text) => text.Length == Digits && text.All(char.IsAsciiHexDigitLower);
}
