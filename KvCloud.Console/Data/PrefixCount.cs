namespace KvCloud.WebConsole.Data;

/// <summary>What has a prefix.</summary>
/// <param name="Bytes">Of keys and values.</param>
/// <param name="IsWhole">False: there is more than was counted.</param>
public sealed record PrefixCount(long Keys, long Bytes, bool IsWhole);
