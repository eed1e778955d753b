using KvCloud.Node.State;

namespace KvCloud.Node.Storage;

/// <summary>
/// The way from a version of a key to the older ones: they form a chain in the history table, where each stands under the
/// version that superseded it. The next older one is therefore found under a version's own number; every 64th is an anchor,
/// and each version also names the nearest anchor behind that, so that a search in a long chain makes great strides.
/// </summary>
/// <param name="Position">Where in the chain, modulo 64, the next older version stands; 0 is an anchor.</param>
/// <param name="Anchor">Where the nearest anchor beyond the next older version stands; zero when there is none.</param>
internal readonly record struct HistoryLink(bool HasOlder, byte Position, CommitVersion Anchor)
{
    public const int Stride = 64;

    /// <summary>The chain's end: nothing is older.</summary>
    public static readonly HistoryLink None;

    /// <summary>The link of the version that supersedes this one's.</summary>
    /// <param name="version">The version that this is the link of.</param>
    public HistoryLink Extend(CommitVersion version) => !HasOlder
        ? new HistoryLink(true, 0, CommitVersion.Zero)
        : new HistoryLink(true, (byte)((Position + 1) % Stride), Position == 0 ? version : Anchor);

    /// <summary>
    /// Under which number of the history to look next for what was the newest at <paramref name="at"/>, which is older than
    /// <paramref name="version"/>, this one's own. Only with <see cref="HasOlder"/>.
    /// </summary>
    public CommitVersion Towards(CommitVersion at, CommitVersion version) => Anchor > at ? Anchor : version;
}
