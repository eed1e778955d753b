using System.Globalization;
using System.Text;
using KvCloud.Client;

namespace KvCloud.Tests.Live;

/// <summary>
/// The Cycle test: keys point to each other in one ring, transactions change the order of three neighbours, and it
/// stays one ring. Any lost, torn or doubled transaction breaks it.
/// </summary>
internal static class CycleLoad
{
    public const string Prefix = "ring/";
    private const int Size = 24;

    public static Task OpenAsync(KvCloudClient client) => client.RunAsync(transaction =>
    {
        for (int i = 0; i < Size; i++)
        {
            transaction.Set(Key(i), Key((i + 1) % Size));
        }

        return Task.CompletedTask;
    });

    /// <summary>a → b → c → d becomes a → c → b → d.</summary>
    public static Task TurnAsync(KvCloudClient client, Random random)
    {
        byte[] a = Key(random.Next(Size));
        return client.RunAsync(async transaction =>
        {
            byte[] b = (await transaction.GetAsync(a))!;
            byte[] c = (await transaction.GetAsync(b))!;
            byte[] d = (await transaction.GetAsync(c))!;
            transaction.Set(a, c);
            transaction.Set(c, b);
            transaction.Set(b, d);
        });
    }

    public static string? Judge(List<KvEntry> rows)
    {
        var next = rows.ToDictionary(row => Text(row.Key), row => Text(row.Value));
        string first = Text(Key(0));
        string at = first;
        int steps = 0;
        while (next.TryGetValue(at, out string? following) && steps <= Size)
        {
            at = following;
            steps++;
            if (at == first)
            {
                break;
            }
        }

        return next.Count != Size || steps != Size || at != first
            ? $"no ring of {Size}: {string.Join(", ", next.Select(link => $"{link.Key} to {link.Value}"))}"
            : null;
    }

    private static byte[] Key(int number) =>
        Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Prefix}{number:00}"));

    private static string Text(byte[] bytes) => Encoding.ASCII.GetString(bytes);
}
