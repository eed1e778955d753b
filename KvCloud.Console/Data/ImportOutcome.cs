namespace KvCloud.WebConsole.Data;

/// <summary>What an import did.</summary>
/// <param name="Conflicts">Lines whose key has changed since the preview; they were not written.</param>
public sealed record ImportOutcome(int Written, IReadOnlyList<int> Conflicts);
