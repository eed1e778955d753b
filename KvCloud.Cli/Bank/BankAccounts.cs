using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using KvCloud.Client;

namespace KvCloud.Cli.Bank;

/// <summary>The accounts: keys `bank/000` …, values of eight bytes, big-endian.</summary>
internal sealed class BankAccounts(int count, long opening)
{
    public static readonly KvRange Range = KvRange.Prefix("bank/");

    public int Count { get; } = count;

    public long Total => Count * opening;

    public static byte[] Key(int account) =>
        Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"bank/{account:000000}"));

    public static long Read(byte[]? value) => value is { Length: 8 }
        ? BinaryPrimitives.ReadInt64BigEndian(value)
        : throw new InvalidDataException(
            "an account of the bank is missing or damaged; another program is writing keys below bank/");

    public static byte[] Write(long balance)
    {
        byte[] value = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(value, balance);
        return value;
    }

    /// <summary>Deletes all existing accounts and creates these, in one transaction.</summary>
    public Task OpenAsync(KvCloudClient client, CancellationToken cancellationToken) => client.RunAsync(
        async transaction =>
        {
            await foreach (KvEntry old in transaction.RangeAsync(Range, null, cancellationToken))
            {
                transaction.Delete(old.Key);
            }

            for (int account = 0; account < Count; account++)
            {
                transaction.Set(Key(account), Write(opening));
            }
        },
        null,
        cancellationToken);

    /// <summary>Transfers a random amount between two random accounts.</summary>
    public Task TransferAsync(KvCloudClient client, CancellationToken cancellationToken)
    {
        int from = Random.Shared.Next(Count);
        int to = (from + 1 + Random.Shared.Next(Count - 1)) % Count;
        long amount = Random.Shared.Next(1, 100);
        return client.RunAsync(
            async transaction =>
            {
                ValueTask<byte[]?> fromRead = transaction.GetAsync(Key(from), null, cancellationToken);
                long toBalance = Read(await transaction.GetAsync(Key(to), null, cancellationToken));
                long fromBalance = Read(await fromRead);
                transaction.Set(Key(from), Write(fromBalance - amount));
                transaction.Set(Key(to), Write(toBalance + amount));
            },
            null,
            cancellationToken);
    }
}
