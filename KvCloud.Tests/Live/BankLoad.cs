using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using KvCloud.Client;

namespace KvCloud.Tests.Live;

/// <summary>The Bank test: money moves between accounts, and its sum stays.</summary>
internal static class BankLoad
{
    public const string Prefix = "bank/";
    private const int Accounts = 20;
    private const long Opening = 100;

    public static Task OpenAsync(KvCloudClient client) => client.RunAsync(transaction =>
    {
        for (int account = 0; account < Accounts; account++)
        {
            transaction.Set(Key(account), Bytes(Opening));
        }

        return Task.CompletedTask;
    });

    /// <summary>Moves some money from one account to another, never more than there is.</summary>
    public static Task MoveAsync(KvCloudClient client, Random random)
    {
        int from = random.Next(Accounts);
        int to = (from + 1 + random.Next(Accounts - 1)) % Accounts;
        int wanted = random.Next(1, 50);
        return client.RunAsync(async transaction =>
        {
            long held = Number(await transaction.GetAsync(Key(from)));
            long amount = Math.Min(held, wanted);
            long other = Number(await transaction.GetAsync(Key(to)));
            transaction.Set(Key(from), Bytes(held - amount));
            transaction.Set(Key(to), Bytes(other + amount));
        });
    }

    public static string? Judge(List<KvEntry> rows)
    {
        long[] held = [.. rows.Select(row => Number(row.Value))];
        return held.Length != Accounts || held.Sum() != Accounts * Opening || held.Any(one => one < 0)
            ? $"{held.Length} accounts hold {held.Sum()} ({string.Join(' ', held)}), not {Accounts} accounts"
                + $" {Accounts * Opening}"
            : null;
    }

    private static byte[] Key(int account) =>
        Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Prefix}{account:00}"));

    private static long Number(byte[]? value) => BinaryPrimitives.ReadInt64BigEndian(value);

    private static byte[] Bytes(long number)
    {
        byte[] bytes = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(bytes, number);
        return bytes;
    }
}
