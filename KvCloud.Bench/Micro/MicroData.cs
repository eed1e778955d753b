using System.Text;
using KvCloud.Node.Operations;

namespace KvCloud.Bench.Micro;

/// <summary>
/// Keys, values and slots shared by all micro-benchmarks: 16-byte keys, 100-byte values, 128 commands per slot.
/// </summary>
internal static class MicroData
{
    public const int CommandsInSlot = 128;

    public static readonly byte[] Value = [.. Enumerable.Range(0, 100).Select(i => (byte)i)];

    public static byte[] Key(long number) =>
        Encoding.ASCII.GetBytes(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"k{number:D15}"));

    /// <summary>The payload of one slot: sets of keys from <paramref name="firstKey"/> on.</summary>
    public static byte[] Slot(long firstKey)
    {
        long next = firstKey;
        return Slot(() => next++, MvccRetention.Default);
    }

    /// <summary>The payload of one slot: sets of the keys that <paramref name="nextKey"/> names.</summary>
    public static byte[] Slot(Func<long> nextKey, MvccRetention retention)
    {
        var writer = new CommandBatchWriter();
        for (int i = 0; i < CommandsInSlot; i++)
        {
            writer.Add(CommandCodec.Encode(new SetCommand(null, Key(nextKey()), Value)));
        }

        return writer.Build(0, retention);
    }
}
