using System.Globalization;

namespace KvCloud.Tests.Simulation;

/// <summary>
/// Accounts between which money moves: the total never changes. After the workload of that name in the tests of
/// FoundationDB.
/// </summary>
internal sealed class SimBank(int accounts) : SimData
{
    private const int InitialBalance = 100;
    private const int MaxAmount = 40;

    public override IReadOnlyList<string> Keys { get; } = [.. Enumerable.Range(0, accounts).Select(id => $"a{id}")];

    public override string InitialValueOf(int index) => Text(InitialBalance);

    public override IEnumerable<string> Transact(
        Func<int, int> random, IReadOnlyDictionary<string, string> read, IDictionary<string, string> writes)
    {
        int payer = random(accounts);
        string from = Keys[payer];
        string to = Keys[(payer + 1 + random(accounts - 1)) % accounts];
        yield return from;
        yield return to;
        int amount = 1 + random(MaxAmount);
        if (Number(read[from]) >= amount)
        {
            writes[from] = Text(Number(read[from]) - amount);
            writes[to] = Text(Number(read[to]) + amount);
        }
    }

    public override string? FindFlaw(IReadOnlyList<string> values)
    {
        int total = values.Sum(Number);
        return total != accounts * InitialBalance
            ? $"the accounts hold {total} together, should be {accounts * InitialBalance}"
            : values.Any(value => Number(value) < 0) ? "an account is overdrawn" : null;
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
