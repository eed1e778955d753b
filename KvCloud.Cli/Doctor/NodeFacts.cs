using KvCloud.Cli.Cluster;
using KvCloud.Monitoring;

namespace KvCloud.Cli.Doctor;

/// <summary>What one member says of itself: by Thrift, and by HTTP where that answers.</summary>
internal sealed record NodeFacts(MemberReport Member)
{
    /// <summary>Its /status; null where that did not answer.</summary>
    public NodeStatus? Status { get; init; }

    /// <summary>Its /metrics; empty where that did not answer.</summary>
    public IReadOnlyList<MetricSample> Metrics { get; init; } = [];

    /// <summary>Its settings in force, by table and key, without secrets; null where /config did not answer.</summary>
    public IReadOnlyDictionary<string, string>? Settings { get; init; }

    /// <summary>Why an answer by HTTP is missing; null if none is.</summary>
    public string? HttpError { get; init; }

    public int Id => Member.Id;

    /// <summary>The sum over all series of a metric; null where there is none.</summary>
    public double? Metric(string name)
    {
        MetricSample[] samples = [.. Metrics.Where(sample => sample.Name == name)];
        return samples.Length == 0 ? null : samples.Sum(sample => sample.Value);
    }
}
