using Microsoft.IdentityModel.Tokens;

namespace KvCloud.Node.Access;

/// <summary>
/// The public keys of an identity provider, of a file or from its https URL: read again now and then, and when a token
/// is not signed by any of them, but not more often than <see cref="MinPause"/>.
/// </summary>
/// <param name="read">Reads the key set as a text.</param>
/// <param name="onFailure">Hears why keys could not be read; what was known goes on.</param>
internal sealed class JwtKeys(TimeProvider time, Func<Task<string>> read, Action<string> onFailure) : IDisposable
{
    /// <summary>How long what was read counts as new.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    /// <summary>Tokens that nobody has signed do not make the node ask its provider again and again.</summary>
    public static readonly TimeSpan MinPause = TimeSpan.FromSeconds(30);

    public const int MaxBytes = 256 * 1024;

    private readonly SemaphoreSlim _reading = new(1);
    private volatile IReadOnlyList<SecurityKey> _known = [];
    private long _triedAt;
    private bool _hasTried;

    /// <summary>Of what was read last; none where that failed.</summary>
    public IReadOnlyList<SecurityKey> Known => _known;

    /// <summary>The keys, read anew where they are old.</summary>
    public async ValueTask<IReadOnlyList<SecurityKey>> GetAsync()
    {
        if (!_hasTried || time.GetElapsedTime(Volatile.Read(ref _triedAt)) > Lifetime)
        {
            await ReadAsync(_hasTried ? Lifetime : TimeSpan.Zero).ConfigureAwait(false);
        }

        return _known;
    }

    /// <summary>Whether they were read again.</summary>
    public async ValueTask<bool> TryRenewAsync() => await ReadAsync(MinPause).ConfigureAwait(false);

    public void Dispose() => _reading.Dispose();

    /// <returns>Whether there was a reading that succeeded.</returns>
    private async Task<bool> ReadAsync(TimeSpan unlessTriedWithin)
    {
        await _reading.WaitAsync().ConfigureAwait(false);
        try
        {
            if (_hasTried && time.GetElapsedTime(Volatile.Read(ref _triedAt)) < unlessTriedWithin)
            {
                return false;
            }

            Volatile.Write(ref _triedAt, time.GetTimestamp());
            _hasTried = true;
            string text = await read().ConfigureAwait(false);
            if (text.Length > MaxBytes)
            {
                onFailure($"it is longer than {MaxBytes} bytes (JwtKeys.MaxBytes)");
                return false;
            }

            // Only public keys: a symmetric one in a JWKS would make anybody who reads that an issuer.
            SecurityKey[] keys =
                [.. JsonWebKeySet.Create(text).GetSigningKeys().Where(key => key is not SymmetricSecurityKey)];
            if (keys.Length == 0)
            {
                onFailure("it has no public key for signatures");
                return false;
            }

            _known = keys;
            return true;
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException or ArgumentException
            or UnauthorizedAccessException or TaskCanceledException or System.Text.Json.JsonException)
        {
            // What was known goes on; without any, a login says so.
            onFailure(exception.InnerException is { } inner
                ? $"{exception.Message} ({inner.Message})"
                : exception.Message);
            return false;
        }
        finally
        {
            _reading.Release();
        }
    }
}
