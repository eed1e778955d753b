using KvCloud.Consensus;
using KvCloud.Node;
using KvCloud.Node.Configuration;
using KvCloud.Node.Files;
using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.Storage;
using KvCloud.Tests.Node.Storage;
using static KvCloud.Tests.Node.Replication.Log.LogEntries;

namespace KvCloud.Tests.Node.Replication;

/// <summary>
/// A replica that lost a part of what it keeps on disk would break its word: it must not start as if it were new.
/// </summary>
public sealed class ReplicaStorageTests : IDisposable
{
    private const int FarAheadSlots = 140_000;

    private readonly TemporaryDirectory _directory = new();

    private string NodePath => DataDirectory.PathOf(_directory.Path, 0);

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Open_again_remembers()
    {
        Use(storage => storage.Log.Write([Effects(new Ballot(3, new NodeId(0)), 0, Entry(1, "a"))]));

        Use(storage =>
        {
            Assert.Equal(new Ballot(3, new NodeId(0)), storage.Log.Promised);
            Assert.Equal(new Slot(1), storage.Log.LastSlot);
        });
    }

    [Theory]
    [InlineData("log")]
    [InlineData("log", "log.mark")]
    public void Open_without_the_log_that_was_there_is_refused(params string[] lost)
    {
        Use(storage => storage.Log.Write([Effects(new Ballot(3, new NodeId(0)), 0, Entry(1, "a"))]));
        Lose(lost);

        LogCorruptException refusal = Assert.Throws<LogCorruptException>(() => Use(_ => { }));

        Assert.Contains(Path.Combine(NodePath, "log"), refusal.Message, StringComparison.Ordinal);
        Assert.Contains("missing", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_without_the_segments_of_the_log_is_refused()
    {
        Use(storage => storage.Log.Write([Effects(new Ballot(3, new NodeId(0)), 0, Entry(1, "a"))]));
        foreach (string file in Directory.GetFiles(Path.Combine(NodePath, "log")))
        {
            File.Delete(file);
        }

        Assert.Throws<LogCorruptException>(() => Use(_ => { }));
    }

    [Fact]
    public void Open_without_the_incarnations_that_were_there_is_refused()
    {
        Use(_ => { });
        Lose("incarnations");

        InvalidDataException refusal = Assert.Throws<InvalidDataException>(() => Use(_ => { }));

        Assert.Contains(Path.Combine(NodePath, "incarnations"), refusal.Message, StringComparison.Ordinal);
        Assert.Contains("missing", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_after_a_crash_before_all_was_made_goes_on()
    {
        // The identity is there, and nothing else yet.
        DataDirectory.Open(SystemFiles.Instance, NodePath, "kvcloud", 0, "0").Dispose();

        Use(storage => storage.Log.Write([Effects(new Ballot(3, new NodeId(0)), 0, Entry(1, "a"))]));
        Use(storage => Assert.Equal(new Slot(1), storage.Log.LastSlot));
    }

    [Fact]
    public void Open_without_data_applies_the_log_anew()
    {
        Use(storage => storage.Log.Write([Effects(null, 1, NoOp(1))]));
        Lose("data");

        Use(storage =>
        {
            Recovery.Restore(storage.Log, storage.Executor);
            Assert.Equal(new Slot(1), storage.Executor.AppliedSlot);
        });
    }

    [Fact]
    public void Restore_log_of_an_older_day_than_the_data_is_refused()
    {
        Use(storage => storage.Log.Write([Effects(null, 1, NoOp(1))]));
        Use(storage =>
        {
            storage.Executor.Apply(
                [.. Enumerable.Range(1, FarAheadSlots).Select(slot =>
                    new ChosenEntry(new Slot(slot), NoOp(slot).Value))], null);
            storage.Executor.Flush();
        });

        Use(storage =>
        {
            LogCorruptException refusal = Assert.Throws<LogCorruptException>(
                () => Recovery.Restore(storage.Log, storage.Executor));
            Assert.Contains("older", refusal.Message, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void Restore_data_a_little_ahead_of_the_log_goes_on()
    {
        // A crash while the log's disk was slow leaves this, and it is not wrong.
        Use(storage =>
        {
            storage.Log.Write([Effects(null, 1, NoOp(1))]);
            storage.Executor.Apply(
                [.. Enumerable.Range(1, 500).Select(slot => new ChosenEntry(new Slot(slot), NoOp(slot).Value))], null);
            storage.Executor.Flush();
        });

        Use(storage => Assert.Equal(new Slot(1), Recovery.Restore(storage.Log, storage.Executor).ChosenSlot));
    }

    private static LogEntry NoOp(long slot)
    {
        var ballot = new Ballot(1, new NodeId(0));
        return new LogEntry(new Slot(slot), ballot, Value.NoOp(ballot));
    }

    private void Lose(params string[] names)
    {
        foreach (string path in names.Select(name => Path.Combine(NodePath, name)))
        {
            if (Directory.Exists(path))
            {
                Directory.Delete(path, recursive: true);
            }
            else
            {
                File.Delete(path);
            }
        }
    }

    private void Use(Action<ReplicaStorage> action)
    {
        var options = new NodeOptions();
        options = options with { Database = options.Database with { BasePath = _directory.Path } };
        using ReplicaStorage storage = ReplicaServices.OpenStorage(options, NodeTopology.From(options));
        action(storage);
    }
}
