using KvCloud.Node.Operations;
using KvCloud.Protocol;

namespace KvCloud.Tests.Node.Operations;

public sealed class OperationClassifierTests
{
    [Fact]
    public void Every_method_of_the_service_has_its_class_and_no_other()
    {
        IEnumerable<string> methods = typeof(TransactionalKV.IAsync).GetMethods().Select(method => method.Name).Order();

        Assert.Equal(methods, OperationClassifier.All.Select(operation => operation.Method).Order());
        Assert.Null(OperationClassifier.Find("Get"));
    }

    [Fact]
    public void Every_operation_is_counted_under_an_index_of_its_own_and_unknown_names_under_the_first()
    {
        Assert.Equal(
            Enumerable.Range(0, OperationClassifier.All.Count + 1),
            OperationClassifier.Counted.Select(operation => operation.Index));
        Assert.Same(OperationClassifier.Unknown, OperationClassifier.Counted[0]);
        Assert.False(OperationClassifier.Unknown.TouchesData);
    }

    [Fact]
    public void Only_reads_are_at_a_version_and_only_writes_are_transactions() => Assert.All(
        OperationClassifier.All,
        operation =>
        {
            Assert.True(!operation.IsAtVersion || operation.Kind == OperationKind.Read, operation.Method);
            Assert.True(!operation.IsTransaction || operation.Kind == OperationKind.Write, operation.Method);
        });

    [Fact]
    public void Exactly_the_writes_go_through_consensus() => Assert.All(
        OperationClassifier.All,
        operation => Assert.Equal(operation.Kind == OperationKind.Write, operation.ThroughConsensus));

    [Fact]
    public void Commit_without_mutations_needs_no_consensus()
    {
        var mutation = new Mutation(MutationKind.Delete, null, new byte[] { 1 }, default);

        Assert.False(OperationClassifier.MustGoThroughConsensus(new CommitCommand(CommitVersion.Zero, [], [], [])));
        Assert.True(
            OperationClassifier.MustGoThroughConsensus(new CommitCommand(CommitVersion.Zero, [mutation], [], [])));
        Assert.True(OperationClassifier.MustGoThroughConsensus(new OpenSessionCommand()));
    }
}
