using KvCloud.Node.Operations;
using KvCloud.Node.Replication;

namespace KvCloud.Tests.Node.Replication;

public sealed class SpaceRulesTests
{
    private static readonly ReadOnlyMemory<byte> Key = "key"u8.ToArray();

    private static readonly KvCommand[] Growing =
    [
        new SetCommand(null, Key, Key),
        new CreateColumnFamilyCommand("users"),
        Commit(MutationKind.Delete, MutationKind.Set),
        Commit(MutationKind.SetVersionstampedValue),
    ];

    private static readonly KvCommand[] Freeing =
    [
        new DeleteCommand(null, Key),
        new DropColumnFamilyCommand("users"),
        new OpenSessionCommand(),
        Commit(MutationKind.Delete, MutationKind.Delete),
    ];

    [Fact]
    public void Refuse_low_space_lets_what_frees_space_pass()
    {
        Assert.All(Growing, command => Assert.Equal(KvStatus.NoSpace, CodeOf(SpaceLevel.Low, command)));
        Assert.All(Freeing, command => Assert.Null(CodeOf(SpaceLevel.Low, command)));
    }

    [Fact]
    public void Refuse_exhausted_space_refuses_all_and_ample_space_nothing()
    {
        Assert.All(
            Growing.Concat(Freeing),
            command =>
            {
                Assert.Equal(KvStatus.NoSpace, CodeOf(SpaceLevel.Exhausted, command));
                Assert.Null(CodeOf(SpaceLevel.Ample, command));
            });
    }

    private static KvStatus? CodeOf(SpaceLevel level, KvCommand command) =>
        SpaceRules.Refuse(level, CommandCodec.Encode(command))?.Code;

    private static CommitCommand Commit(params MutationKind[] kinds) => new(
        CommitVersion.Zero, [.. kinds.Select(kind => new Mutation(kind, null, Key, new byte[20]))], [], []);
}
