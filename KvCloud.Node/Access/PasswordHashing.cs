using System.Security.Cryptography;
using System.Text;

namespace KvCloud.Node.Access;

/// <summary>Makes and checks hashes of passwords: PBKDF2 with HMAC-SHA512, by the platform (adr/0021).</summary>
internal static class PasswordHashing
{
    /// <summary>What OWASP recommends for it (2023).</summary>
    public const int DefaultIterations = 210_000;

    private const int SaltBytes = 16;
    private const int HashBytes = 32;

    /// <summary>Takes as long as an attacker needs for one guess: some 100 ms of a core.</summary>
    public static PasswordHash Hash(string password, int iterations = DefaultIterations)
    {
        byte[] salt = RandomNumberGenerator.GetBytes(SaltBytes);
        return new PasswordHash(
            PasswordHash.Pbkdf2Sha512, iterations, salt, Derive(password, salt, iterations, HashBytes));
    }

    public static bool Verify(PasswordHash known, string password) =>
        known.Algorithm == PasswordHash.Pbkdf2Sha512
        && known.Hash.Length > 0
        && CryptographicOperations.FixedTimeEquals(
            known.Hash.Span, Derive(password, known.Salt.Span, known.Iterations, known.Hash.Length));

    private static byte[] Derive(string password, ReadOnlySpan<byte> salt, int iterations, int bytes) =>
        Rfc2898DeriveBytes.Pbkdf2(
            Encoding.UTF8.GetBytes(password), salt, iterations, HashAlgorithmName.SHA512, bytes);
}
