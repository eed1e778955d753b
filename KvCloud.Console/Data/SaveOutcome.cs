using KvCloud.Client;

namespace KvCloud.WebConsole.Data;

/// <summary>What became of an edit.</summary>
/// <param name="Version">The version of the commit; null when nothing was written.</param>
/// <param name="Current">With a conflict: what the key holds now, null if nothing.</param>
public sealed record SaveOutcome(long? Version, bool IsConflict, KvEntry? Current);
