namespace KvCloud.Monitoring;

/// <summary>What a node answered to a question, or why it did not.</summary>
public sealed record NodeAnswer<T>(T? Value, string? Error)
    where T : class;
