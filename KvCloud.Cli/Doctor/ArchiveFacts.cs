namespace KvCloud.Cli.Doctor;

/// <summary>An archive of backups that the doctor was told of.</summary>
/// <param name="Address">Where it is.</param>
/// <param name="Newest">The newest moment that can be restored; null if nothing can.</param>
/// <param name="Limit">How old that may be.</param>
/// <param name="Problems">What is missing or wrong in it.</param>
internal sealed record ArchiveFacts(
    string Address, DateTimeOffset? Newest, TimeSpan Limit, IReadOnlyList<string> Problems);
