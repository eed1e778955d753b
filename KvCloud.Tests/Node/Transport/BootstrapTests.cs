using KvCloud.Node.Transport;

namespace KvCloud.Tests.Node.Transport;

public sealed class BootstrapTests
{
    private int _notes;

    [Fact]
    public void WelcomedBy_every_other_voter_forms_the_replica_and_notes_it_once()
    {
        var bootstrap = new Bootstrap([2, 1], isFormed: false, Note);

        bootstrap.WelcomedBy(2);
        bootstrap.WelcomedBy(2);
        Assert.False(bootstrap.IsFormed);
        Assert.Equal([1], bootstrap.NotMet);
        Assert.Equal(0, _notes);

        bootstrap.WelcomedBy(1);
        bootstrap.WelcomedBy(1);
        Assert.True(bootstrap.IsFormed);
        Assert.Empty(bootstrap.NotMet);
        Assert.Equal(1, _notes);
    }

    [Fact]
    public void WelcomedBy_a_node_that_is_no_voter_counts_for_nothing()
    {
        var bootstrap = new Bootstrap([1], isFormed: false, Note);

        bootstrap.WelcomedBy(7);

        Assert.False(bootstrap.IsFormed);
        Assert.Equal(0, _notes);
    }

    [Fact]
    public void WelcomedBy_the_last_voter_while_nothing_can_be_noted_does_not_count()
    {
        bool isFull = true;
        var bootstrap = new Bootstrap(
            [1], isFormed: false, () => _notes += isFull ? throw new IOException("the disk is full") : 1);

        Assert.Throws<IOException>(() => bootstrap.WelcomedBy(1));
        Assert.False(bootstrap.IsFormed);

        isFull = false;
        bootstrap.WelcomedBy(1);
        Assert.True(bootstrap.IsFormed);
        Assert.Equal(1, _notes);
    }

    [Fact]
    public void IsFormed_is_noted_before_anybody_can_see_it()
    {
        Bootstrap? bootstrap = null;
        bootstrap = new Bootstrap([1], isFormed: false, () => Assert.False(bootstrap!.IsFormed));

        bootstrap.WelcomedBy(1);

        Assert.True(bootstrap.IsFormed);
    }

    [Fact]
    public void IsFormed_of_a_replica_that_was_formed_before_or_is_alone_is_true_at_once()
    {
        Assert.True(new Bootstrap([1, 2], isFormed: true, Note).IsFormed);
        Assert.True(new Bootstrap([], isFormed: false, Note).IsFormed);
        Assert.Equal(0, _notes);
    }

    [Fact]
    public void Describe_names_whom_it_waits_for()
    {
        Assert.Equal(
            "it waits for first contact with node 2: a new group begins when all its replicas have met once",
            Bootstrap.Describe([2]));
        Assert.Contains("nodes 1, 2:", Bootstrap.Describe([1, 2]), StringComparison.Ordinal);
    }

    private void Note() => _notes++;
}
