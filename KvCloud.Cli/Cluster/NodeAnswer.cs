namespace KvCloud.Cli.Cluster;

/// <summary>What a node answered by HTTP, or why it did not: one of the two is null.</summary>
internal readonly record struct NodeAnswer(string? Body, string? Error);
