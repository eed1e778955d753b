using System.Security.Cryptography;
using System.Text;

namespace KvCloud.Node.Access;

/// <summary>
/// Passwords that were found right lately, so that a client's further connections cost no hashing. Held in this
/// process's memory alone, under a key that ends with it; a changed password is another record, and not found.
/// </summary>
internal sealed class VerifiedPasswords(TimeProvider time)
{
    public const int MaxEntries = 1_024;

    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Entry> _byUser = new(StringComparer.Ordinal);

    public bool Knows(string user, PasswordHash known, string password)
    {
        byte[] given = MacOf(password);
        lock (_gate)
        {
            return _byUser.TryGetValue(user, out Entry? entry)
                && entry.Known.Equals(known)
                && time.GetElapsedTime(entry.Since) < Lifetime
                && CryptographicOperations.FixedTimeEquals(entry.Mac, given);
        }
    }

    public void Note(string user, PasswordHash known, string password)
    {
        var entry = new Entry(known, MacOf(password), time.GetTimestamp());
        lock (_gate)
        {
            if (_byUser.Count >= MaxEntries && !_byUser.ContainsKey(user))
            {
                _byUser.Clear();
            }

            _byUser[user] = entry;
        }
    }

    private byte[] MacOf(string password) => HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(password));

    private sealed record Entry(PasswordHash Known, byte[] Mac, long Since);
}
