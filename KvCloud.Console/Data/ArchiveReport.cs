using KvCloud.Backup.Catalog;

namespace KvCloud.WebConsole.Data;

/// <summary>What is in an archive, or why nobody knows.</summary>
internal sealed record ArchiveReport(string Address, ArchiveCatalog? Catalog, string? Error);
