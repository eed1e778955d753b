namespace KvCloud.Monitoring;

/// <summary>One line of a Prometheus exposition: a name, its labels and a value.</summary>
public sealed record MetricSample(string Name, IReadOnlyDictionary<string, string> Labels, double Value);
