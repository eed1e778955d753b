using System.IO.Hashing;
using System.Text;
using KvCloud.Node.Files;
using KvCloud.Node.Storage;

namespace KvCloud.Tests.Node.Storage;

public sealed class DataDirectoryTests : IDisposable
{
    private const string Voters = "0,1,2";

    private readonly TemporaryDirectory _directory = new();

    private string NodePath => DataDirectory.PathOf(_directory.Path, 1);

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Open_again_gives_the_same_identity()
    {
        DirectoryIdentity first;
        using (var directory = DataDirectory.Open(SystemFiles.Instance, NodePath, "c1", 1, Voters))
        {
            Assert.True(directory.IsNew);
            directory.NoteStoresMade();
            Assert.EndsWith("node_1", directory.Path, StringComparison.Ordinal);
            first = directory.Identity;
        }

        using var again = DataDirectory.Open(SystemFiles.Instance, NodePath, "c1", 1, Voters);
        Assert.False(again.IsNew);
        Assert.Equal(first, again.Identity);
    }

    [Fact]
    public void Open_of_two_directories_draws_incarnations_that_differ()
    {
        using var one = DataDirectory.Open(SystemFiles.Instance, _directory.Sub("a"), "c1", 1, Voters);
        using var two = DataDirectory.Open(SystemFiles.Instance, _directory.Sub("b"), "c1", 1, Voters);

        Assert.NotEqual(one.Identity.Incarnation, two.Identity.Incarnation);
    }

    [Fact]
    public void Open_directory_of_another_node_or_cluster_is_refused_by_name()
    {
        DataDirectory.Open(SystemFiles.Instance, NodePath, "c1", 1, Voters).Dispose();

        DataDirectoryForeignException node = Assert.Throws<DataDirectoryForeignException>(
            () => DataDirectory.Open(SystemFiles.Instance, NodePath, "c1", 2, Voters));
        DataDirectoryForeignException cluster = Assert.Throws<DataDirectoryForeignException>(
            () => DataDirectory.Open(SystemFiles.Instance, NodePath, "c2", 1, Voters));

        Assert.Contains("belongs to node 1, not to node 2", node.Message, StringComparison.Ordinal);
        Assert.Contains("belongs to cluster 'c1', not to 'c2'", cluster.Message, StringComparison.Ordinal);
        DataDirectory.Open(SystemFiles.Instance, NodePath, "c1", 1, Voters).Dispose();
    }

    [Fact]
    public void BecomeNode_is_the_owner_from_then_on_with_another_incarnation_and_no_voters()
    {
        DirectoryIdentity before;
        using (var directory = DataDirectory.Open(SystemFiles.Instance, NodePath, "c1", 1, Voters))
        {
            directory.NoteStoresMade();
            before = directory.Identity;
            directory.BecomeNode(4);
        }

        Assert.Equal(4, DataDirectory.FindOwner(SystemFiles.Instance, NodePath, "c1"));
        Assert.Throws<DataDirectoryForeignException>(
            () => DataDirectory.Open(SystemFiles.Instance, NodePath, "c1", 1, Voters));
        using var again = DataDirectory.Open(SystemFiles.Instance, NodePath, "c1", 4, "");
        Assert.NotEqual(before.Incarnation, again.Identity.Incarnation);
        Assert.Equal(("", true, false), (again.Identity.Voters, again.Identity.HasStores, again.Identity.IsFormed));
    }

    [Fact]
    public void BecomeNode_of_a_directory_that_has_taken_part_is_refused()
    {
        using var directory = DataDirectory.Open(SystemFiles.Instance, NodePath, "c1", 1, Voters);
        directory.NoteFormed();

        Assert.Throws<InvalidOperationException>(() => directory.BecomeNode(4));
        Assert.Equal(1, DataDirectory.FindOwner(SystemFiles.Instance, NodePath, "c1"));
    }

    [Fact]
    public void FindOwner_of_a_directory_that_is_missing_damaged_or_of_another_cluster_is_nobody()
    {
        Assert.Null(DataDirectory.FindOwner(SystemFiles.Instance, NodePath, "c1"));
        DataDirectory.Open(SystemFiles.Instance, NodePath, "c1", 1, Voters).Dispose();
        Assert.Equal(1, DataDirectory.FindOwner(SystemFiles.Instance, NodePath, "c1"));
        Assert.Null(DataDirectory.FindOwner(SystemFiles.Instance, NodePath, "c2"));

        File.WriteAllText(Path.Combine(NodePath, "identity"), "format=4\n");
        Assert.Null(DataDirectory.FindOwner(SystemFiles.Instance, NodePath, "c1"));
    }

    [Fact]
    public void Open_directory_of_other_voters_is_refused_by_name()
    {
        DataDirectory.Open(SystemFiles.Instance, NodePath, "c1", 1, Voters).Dispose();

        // What it began with stays what it began with, whatever the configuration says later.
        using var again = DataDirectory.Open(SystemFiles.Instance, NodePath, "c1", 1, "0,1,2,3,4");
        DataDirectoryForeignException refusal = Assert.Throws<DataDirectoryForeignException>(
            () => again.RequireVoters("0,1,2,3,4"));

        Assert.Contains(
            "the voters 0,1,2, the configuration names 0,1,2,3,4", refusal.Message, StringComparison.Ordinal);
        again.RequireVoters(Voters);
    }

    [Fact]
    public void Open_by_a_second_opener_tells_who_holds_it()
    {
        using var held = DataDirectory.Open(SystemFiles.Instance, NodePath, "c1", 1, Voters);

        DataDirectoryInUseException refusal = Assert.Throws<DataDirectoryInUseException>(
            () => DataDirectory.Open(SystemFiles.Instance, NodePath, "c1", 1, Voters));

        Assert.Contains($"process {Environment.ProcessId}", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_damaged_identity_is_refused()
    {
        DataDirectory.Open(SystemFiles.Instance, NodePath, "c1", 1, Voters).Dispose();
        string file = Path.Combine(NodePath, "identity");
        File.WriteAllText(file, File.ReadAllText(file).Replace("node_id=1", "node_id=2", StringComparison.Ordinal));

        Assert.Throws<DataDirectoryCorruptException>(
            () => DataDirectory.Open(SystemFiles.Instance, NodePath, "c1", 2, Voters));
    }

    [Fact]
    public void Open_empty_identity_is_refused()
    {
        DataDirectory.Open(SystemFiles.Instance, NodePath, "c1", 1, Voters).Dispose();
        File.WriteAllText(Path.Combine(NodePath, "identity"), "");

        Assert.Throws<DataDirectoryCorruptException>(
            () => DataDirectory.Open(SystemFiles.Instance, NodePath, "c1", 1, Voters));
    }

    [Fact]
    public void Open_identity_of_a_newer_format_is_refused_by_its_number()
    {
        DataDirectory.Open(SystemFiles.Instance, NodePath, "c1", 1, Voters).Dispose();
        string file = Path.Combine(NodePath, "identity");
        File.WriteAllText(file, File.ReadAllText(file).Replace("format=4", "format=9", StringComparison.Ordinal));

        DataDirectoryCorruptException refusal = Assert.Throws<DataDirectoryCorruptException>(
            () => DataDirectory.Open(SystemFiles.Instance, NodePath, "c1", 1, Voters));

        Assert.Contains("format 9", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NoteFormed_of_a_replica_is_there_at_the_next_start()
    {
        using (var directory = DataDirectory.Open(SystemFiles.Instance, NodePath, "c1", 1, Voters))
        {
            directory.NoteStoresMade();
            Assert.False(directory.Identity.IsFormed);
        }

        using (var directory = DataDirectory.Open(SystemFiles.Instance, NodePath, "c1", 1, Voters))
        {
            Assert.False(directory.Identity.IsFormed);
            directory.NoteFormed();
        }

        using var again = DataDirectory.Open(SystemFiles.Instance, NodePath, "c1", 1, Voters);
        Assert.True(again.Identity is { IsFormed: true, HasStores: true });
    }

    /// <summary>A replica of the release before may have voted: it is formed, if it had its stores.</summary>
    [Theory]
    [InlineData("made", true)]
    [InlineData("none", false)]
    public void Open_identity_of_the_format_before_is_formed_where_stores_were_made(string stores, bool isFormed)
    {
        Directory.CreateDirectory(NodePath);
        string body = $"format=3\ncluster_id=c1\nnode_id=1\nincarnation=42\nvoters={Voters}\nstores={stores}\n";
        ulong checksum = XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(body));
        File.WriteAllText(Path.Combine(NodePath, "identity"), $"{body}checksum={checksum:x16}\n");

        using var directory = DataDirectory.Open(SystemFiles.Instance, NodePath, "c1", 1, Voters);

        Assert.Equal(isFormed, directory.Identity.IsFormed);
        Assert.Equal(42, directory.Identity.Incarnation);
    }

    [Fact]
    public void Open_data_without_identity_is_refused()
    {
        Directory.CreateDirectory(Path.Combine(NodePath, "log"));

        Assert.Throws<DataDirectoryCorruptException>(
            () => DataDirectory.Open(SystemFiles.Instance, NodePath, "c1", 1, Voters));
    }

    [Fact]
    public void Open_path_that_cannot_be_a_directory_is_unusable()
    {
        File.WriteAllText(_directory.Sub("file"), "");

        Assert.Throws<DataDirectoryUnusableException>(
            () => DataDirectory.Open(SystemFiles.Instance, _directory.Sub("file"), "c1", 1, Voters));
    }
}
