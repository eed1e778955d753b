using System.Globalization;

namespace KvCloud.Tests.Simulation;

/// <summary>
/// Nodes that each name the next: always one cycle through all of them. A transaction lets two neighbours change
/// places. After the workload of that name in the tests of FoundationDB.
/// </summary>
internal sealed class SimCycle(int nodes) : SimData
{
    public override IReadOnlyList<string> Keys { get; } = [.. Enumerable.Range(0, nodes).Select(KeyOf)];

    public override string InitialValueOf(int index) => KeyOf((index + 1) % nodes);

    /// <summary>From a → b → c → d to a → c → b → d.</summary>
    public override IEnumerable<string> Transact(
        Func<int, int> random, IReadOnlyDictionary<string, string> read, IDictionary<string, string> writes)
    {
        string a = Keys[random(nodes)];
        yield return a;
        string b = read[a];
        yield return b;
        string c = read[b];
        yield return c;
        string d = read[c];
        writes[a] = c;
        writes[c] = b;
        writes[b] = d;
    }

    public override string? FindFlaw(IReadOnlyList<string> values)
    {
        var seen = new HashSet<string>();
        string node = Keys[0];
        while (seen.Add(node))
        {
            node = values[NumberOf(node)];
        }

        return node == Keys[0] && seen.Count == nodes
            ? null
            : $"{string.Join(' ', values)} is no cycle of {nodes}: it comes to {node} again after {seen.Count}";
    }

    private static string KeyOf(int number) => string.Create(CultureInfo.InvariantCulture, $"c{number}");

    private static int NumberOf(string key) => int.Parse(key.AsSpan(1), CultureInfo.InvariantCulture);
}
