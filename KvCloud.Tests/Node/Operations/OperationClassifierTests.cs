using KvCloud.Node.Operations;
using KvCloud.Protocol;

namespace KvCloud.Tests.Node.Operations;

public sealed class OperationClassifierTests
{
    [Fact]
    public void Find_of_every_method_of_the_service_has_its_class_and_no_other()
    {
        IEnumerable<string> methods = typeof(TransactionalKV.IAsync).GetMethods().Select(method => method.Name).Order();

        Assert.Equal(methods, OperationClassifier.All.Select(operation => operation.Method).Order());
        Assert.Null(OperationClassifier.Find("Get"));
    }

    [Fact]
    public void Index_of_every_operation_is_its_own_and_that_of_unknown_names_is_the_first()
    {
        Assert.Equal(
            Enumerable.Range(0, OperationClassifier.All.Count + 1),
            OperationClassifier.Counted.Select(operation => operation.Index));
        Assert.Same(OperationClassifier.Unknown, OperationClassifier.Counted[0]);
        Assert.False(OperationClassifier.Unknown.TouchesData);
    }

    [Fact]
    public void IsAtVersion_of_an_operation_is_for_reads_only_and_IsTransaction_for_writes_only() => Assert.All(
        OperationClassifier.All,
        operation =>
        {
            Assert.True(!operation.IsAtVersion || operation.Kind == OperationKind.Read, operation.Method);
            Assert.True(!operation.IsTransaction || operation.Kind == OperationKind.Write, operation.Method);
        });

    [Fact]
    public void MustGoThroughConsensus_of_exactly_the_writes_is_true() => Assert.All(
        OperationClassifier.All,
        operation => Assert.Equal(operation.Kind == OperationKind.Write, operation.ThroughConsensus));

    [Fact]
    public void MustGoThroughConsensus_of_a_commit_without_mutations_is_false()
    {
        var mutation = new Mutation(MutationKind.Delete, null, new byte[] { 1 }, default);

        Assert.False(OperationClassifier.MustGoThroughConsensus(new CommitCommand(CommitVersion.Zero, [], [], [])));
        Assert.True(
            OperationClassifier.MustGoThroughConsensus(new CommitCommand(CommitVersion.Zero, [mutation], [], [])));
        Assert.True(OperationClassifier.MustGoThroughConsensus(new OpenSessionCommand()));
    }
}
