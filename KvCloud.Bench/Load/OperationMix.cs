using System.Globalization;

namespace KvCloud.Bench.Load;

/// <summary>The operations of a load and their proportions: <c>set:50,get_leader:50</c>.</summary>
internal sealed class OperationMix
{
    private static readonly Dictionary<string, OperationKind> Names = new(StringComparer.OrdinalIgnoreCase)
    {
        ["set"] = OperationKind.Set,
        ["insert"] = OperationKind.Insert,
        ["get_local"] = OperationKind.GetLocal,
        ["get_leader"] = OperationKind.GetLeader,
        ["get_read_index"] = OperationKind.GetReadIndex,
        ["range"] = OperationKind.Range,
        ["commit"] = OperationKind.Commit,
        ["rmw"] = OperationKind.ReadModifyWrite,
    };

    private readonly OperationKind[] _kinds;
    private readonly double[] _upTo;

    private OperationMix(IReadOnlyList<(OperationKind Kind, double Weight)> parts)
    {
        _kinds = [.. parts.Select(part => part.Kind)];
        _upTo = new double[parts.Count];
        double total = parts.Sum(part => part.Weight);
        double sum = 0.0;
        for (int i = 0; i < parts.Count; i++)
        {
            sum += parts[i].Weight / total;
            _upTo[i] = sum;
        }

        _upTo[^1] = 1;
        Text = string.Join(',', parts.Select(part =>
            string.Create(CultureInfo.InvariantCulture, $"{NameOf(part.Kind)}:{part.Weight}")));
    }

    /// <summary>The mix in command-line syntax.</summary>
    public string Text { get; }

    public IReadOnlyList<OperationKind> Kinds => _kinds;

    /// <summary>Whether some operation runs only on the leader of a KvCloud cluster.</summary>
    public bool NeedsLeader => _kinds.Any(kind =>
        kind is not (OperationKind.GetLocal or OperationKind.GetReadIndex or OperationKind.Range));

    public bool Reads =>
        _kinds.Any(kind => kind is not (OperationKind.Set or OperationKind.Insert or OperationKind.Commit));

    public static OperationMix Of(OperationKind kind) => new([(kind, 100)]);

    public static OperationMix Parse(string text)
    {
        var parts = new List<(OperationKind, double)>();
        foreach (string part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            int colon = part.IndexOf(':', StringComparison.Ordinal);
            string name = colon < 0 ? part : part[..colon];
            if (!Names.TryGetValue(name, out OperationKind kind))
            {
                throw new BenchException($"--mix names '{name}'; it must be one of {string.Join(", ", Names.Keys)}");
            }

            double weight = 1.0;
            if (colon >= 0 && (!double.TryParse(part[(colon + 1)..], CultureInfo.InvariantCulture, out weight)
                || weight <= 0))
            {
                throw new BenchException($"--mix has '{part}'; a weight must be a number above 0");
            }

            parts.Add((kind, weight));
        }

        return parts.Count == 0 ? throw new BenchException("--mix is empty") : new OperationMix(parts);
    }

    public static string NameOf(OperationKind kind) => Names.First(pair => pair.Value == kind).Key;

    public OperationKind Next(SeededRandom random)
    {
        if (_kinds.Length == 1)
        {
            return _kinds[0];
        }

        double u = random.NextDouble();
        int i = 0;
        while (u >= _upTo[i])
        {
            i++;
        }

        return _kinds[i];
    }
}
