using System.Diagnostics;
using System.Globalization;
using System.Text;
using KvCloud.Client;
using Xunit.Abstractions;

namespace KvCloud.Tests.Live.PowerCut;

/// <summary>
/// The promise of an acknowledgement, seen from below: when the client hears it, at least two of three disks have
/// synced the very bytes of the write.
/// </summary>
[Collection(LiveCollection.Name)]
public sealed class AcknowledgedWriteTests(ITestOutputHelper output)
{
    private const int Writes = 100;
    private const int Quorum = 2;

    /// <summary>Nine letters, six digits, and an end: what is looked for in the syncs.</summary>
    private const string TokenStart = "KvAckedNo";
    private const int TokenDigits = 6;

    [PowerCutFact]
    public async Task SetKey_is_acknowledged_after_a_quorum_has_synced_it()
    {
        IReadOnlyList<WriteRecord> writes = await WriteAsync(sabotaged: []);

        double[] syncToAck = [.. writes.Select(write => Stopwatch.GetElapsedTime(
            write.Synced.Order().ElementAt(Quorum - 1), write.Acknowledged).TotalMicroseconds).Order()];
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"from the quorum's sync to the acknowledgement, us: least {syncToAck[0]:0}, "
            + $"median {syncToAck[Writes / 2]:0}"));
        Assert.All(writes, write => Assert.True(
            write.SyncedBeforeAcknowledged >= Quorum,
            $"write {write.Number} was acknowledged when {write.SyncedBeforeAcknowledged} replicas had synced it"));
        Assert.All(writes, write => Assert.All(write.Synced, synced => Assert.True(
            synced >= write.Begun, $"write {write.Number} was synced before it was begun: the clocks differ")));
    }

    /// <summary>The check itself: with two disks that pretend, every acknowledgement comes too early.</summary>
    [PowerCutFact]
    public async Task SetKey_whose_syncs_are_pretended_is_found()
    {
        IReadOnlyList<WriteRecord> writes = await WriteAsync(sabotaged: [0, 1]);

        Assert.All(writes, write => Assert.True(
            write.SyncedBeforeAcknowledged < Quorum, $"write {write.Number} counts as synced by a quorum"));
    }

    /// <summary>Writes one after the other; gives when each was acknowledged, and synced by which replica.</summary>
    private static async Task<IReadOnlyList<WriteRecord>> WriteAsync(int[] sabotaged)
    {
        await using var cluster = new PowerCutCluster(Directory.CreateTempSubdirectory("kvcloud-acks-").FullName);
        cluster.Start();
        await cluster.WaitHealthyAsync(TimeSpan.FromSeconds(60));
        await using KvCloudClient client = cluster.NewClient(TimeSpan.FromSeconds(30));
        for (int index = 0; index < PowerCutCluster.Count; index++)
        {
            cluster.Disks[index].IsTraced = true;
            cluster.Disks[index].IsSabotaged = sabotaged.Contains(index);
        }

        long[] begun = new long[Writes];
        long[] acknowledged = new long[Writes];
        for (int number = 0; number < Writes; number++)
        {
            // Four times: the log puts a stamp into each sector, which may come to lie in the middle of one.
            string token = string.Create(CultureInfo.InvariantCulture, $"{TokenStart}{number:D6};");
            byte[] value = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(token, 4)));
            begun[number] = Stopwatch.GetTimestamp();
            await client.SetAsync("acknowledged"u8.ToArray(), value);
            acknowledged[number] = Stopwatch.GetTimestamp();
        }

        // Those that lag are to be seen as well.
        await Task.Delay(TimeSpan.FromMilliseconds(200));
        Dictionary<int, long>[] synced = [.. cluster.Disks.Select(disk => FirstSyncs(disk.TracePath))];
        return
        [
            .. Enumerable.Range(0, Writes).Select(number => new WriteRecord(
                number,
                begun[number],
                acknowledged[number],
                [.. synced.Where(replica => replica.ContainsKey(number)).Select(replica => replica[number])])),
        ];
    }

    /// <summary>By the write's number: when its bytes were part of a sync for the first time.</summary>
    private static Dictionary<int, long> FirstSyncs(string tracePath)
    {
        byte[] start = Encoding.ASCII.GetBytes(TokenStart);
        var first = new Dictionary<int, long>();
        foreach (SyncedRange range in SyncTrace.Read(tracePath))
        {
            ReadOnlySpan<byte> rest = range.Bytes;
            while (rest.IndexOf(start) is >= 0 and int at)
            {
                rest = rest[(at + start.Length)..];
                if (rest.Length > TokenDigits
                    && rest[TokenDigits] == ';'
                    && int.TryParse(
                        rest[..TokenDigits], NumberStyles.None, CultureInfo.InvariantCulture, out int number))
                {
                    first.TryAdd(number, range.Timestamp);
                }
            }
        }

        return first;
    }

    /// <summary>One write; all times on one clock.</summary>
    private sealed record WriteRecord(int Number, long Begun, long Acknowledged, IReadOnlyList<long> Synced)
    {
        public int SyncedBeforeAcknowledged => Synced.Count(time => time <= Acknowledged);
    }
}
