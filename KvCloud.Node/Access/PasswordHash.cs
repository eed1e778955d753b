namespace KvCloud.Node.Access;

/// <summary>What is kept of a password: enough to check one, and not to tell it.</summary>
/// <param name="Algorithm">How it was made; see <see cref="Pbkdf2Sha512"/>.</param>
internal sealed record PasswordHash(
    byte Algorithm, int Iterations, ReadOnlyMemory<byte> Salt, ReadOnlyMemory<byte> Hash)
{
    public const byte Pbkdf2Sha512 = 1;

    /// <summary>More would let a record occupy a core for seconds at each login.</summary>
    public const int MaxIterations = 10_000_000;

    public bool Equals(PasswordHash? other) => other is not null
        && Algorithm == other.Algorithm
        && Iterations == other.Iterations
        && Salt.Span.SequenceEqual(other.Salt.Span)
        && Hash.Span.SequenceEqual(other.Hash.Span);

    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.AddBytes(Salt.Span);
        return hash.ToHashCode();
    }

    /// <summary>Nothing of it belongs into a log.</summary>
    public override string ToString() => "a password's hash";
}
