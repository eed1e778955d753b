using System.Buffers.Binary;
using System.IO.Hashing;
using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.State;
using KvCloud.Node.Storage;

namespace KvCloud.Tests.Node.State;

/// <summary>
/// A store that a newer program wrote is refused by the name of the record and its format, and not taken for damaged.
/// </summary>
public sealed class RecordFormatTests : IDisposable
{
    private readonly StateHarness _harness = StateHarness.InMemory();

    public void Dispose() => _harness.Dispose();

    [Theory]
    [InlineData("state record", 3)]
    [InlineData("members record", 1)]
    [InlineData("retention record", 1)]
    [InlineData("column family record", 1)]
    [InlineData("session record", 1)]
    [InlineData("remembered answer", 1)]
    [InlineData("garbage record", 1)]
    public void KvStoreExecutor_record_of_a_newer_format_is_refused_by_name(string what, int known)
    {
        long session = FillWithEverything();
        (KvTable table, byte[] key, byte[] record) = Find(what);
        record[0] = (byte)(known + 1);
        if (what is "state record" or "members record")
        {
            int body = record.Length - sizeof(ulong);
            BinaryPrimitives.WriteUInt64LittleEndian(
                record.AsSpan(body), XxHash3.HashToUInt64(record.AsSpan(0, body)));
        }

        using (IKvBatch batch = _harness.Store.CreateBatch())
        {
            batch.Put(table, key, record);
            _harness.Store.Write(batch);
        }

        UnknownFormatException error = Assert.Throws<UnknownFormatException>(() => Use(session));
        Assert.Equal(
            $"This program knows {what} format {known}, but found format {known + 1}: upgrade this replica.",
            error.Message);
    }

    /// <summary>Opens the store, asks a session for its answer again, and collects what was deleted.</summary>
    private void Use(long session)
    {
        using var executor = new KvStoreExecutor(_harness.Store);
        _harness.Retention = new MvccRetention(0, 0);
        for (int i = 0; i < 3; i++)
        {
            _harness.Choose(Answered(session), new SetCommand(null, new byte[] { 9 }, new byte[] { 9 }));
            executor.Apply([_harness.Log[^1]], observer: null);
            executor.CollectIdle();
        }
    }

    private static SetCommand Answered(long session) =>
        new(null, new byte[] { 1 }, new byte[] { 2 }) { Identity = new RequestIdentity(session, 1, 0) };

    private long FillWithEverything()
    {
        long session = _harness.ApplyOne(new OpenSessionCommand()).Version.Value;
        _harness.Apply(
            Answered(session),
            new CreateColumnFamilyCommand("users"),
            new DeleteCommand(null, new byte[] { 1 }));
        var members = GroupMembers.Initial([new NodeId(0), new NodeId(1)]);
        _harness.Log.Add(new ChosenEntry(
            new Slot(_harness.Log.Count + 1),
            new Value(new Ballot(1, new NodeId(0)), ValueKind.Membership, members.Encode())));
        _harness.ApplyChosen();
        return session;
    }

    private (KvTable Table, byte[] Key, byte[] Record) Find(string what)
    {
        (KvTable table, byte[] prefix) = what switch
        {
            "state record" => (KvTable.Meta, StateRecord.Key.ToArray()),
            "members record" => (KvTable.Meta, MembersRecord.Key.ToArray()),
            "retention record" => (KvTable.Meta, "retention"u8.ToArray()),
            "column family record" => (KvTable.Meta, [MetaKey.Keyspace]),
            "session record" => (KvTable.Sessions, "s"u8.ToArray()),
            "remembered answer" => (KvTable.Sessions, "a"u8.ToArray()),
            _ => (KvTable.Garbage, []),
        };
        using IKvIterator records = _harness.Store.Iterate(table);
        records.Seek(prefix);
        Assert.True(records.IsValid && records.Key.StartsWith(prefix), $"no {what} was written");
        return (table, records.Key.ToArray(), records.Value.ToArray());
    }
}
