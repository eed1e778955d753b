using KvCloud.Node.Operations;

namespace KvCloud.Tests.Node.Operations;

public sealed class FeatureLevelsTests
{
    [Fact]
    public void LevelOf_every_command_is_named_and_none_is_above_what_this_program_can_follow()
    {
        foreach (CommandKind kind in Enum.GetValues<CommandKind>())
        {
            Assert.InRange(FeatureLevels.LevelOf(kind), FeatureLevels.First, FeatureLevels.Newest);
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => FeatureLevels.LevelOf((CommandKind)200));
    }

    [Fact]
    public void LevelOf_commands_of_the_release_before_levels_is_the_first()
    {
        for (CommandKind kind = CommandKind.Set; kind <= CommandKind.DropColumnFamily; kind++)
        {
            Assert.Equal(FeatureLevels.First, FeatureLevels.LevelOf(kind));
        }
    }

    [Fact]
    public void Refuse_command_above_the_level_names_both_and_one_at_the_level_passes()
    {
        CommandResult? refusal = FeatureLevels.Refuse(CommandKind.RaiseFeatureLevel, FeatureLevels.First);

        Assert.Equal(KvStatus.FeatureNotActive, refusal?.Code);
        Assert.StartsWith(
            "RaiseFeatureLevel needs feature level 2, and the group is at 1",
            refusal?.Message,
            StringComparison.Ordinal);
        Assert.Null(FeatureLevels.Refuse(CommandKind.RaiseFeatureLevel, 2));
        Assert.Null(FeatureLevels.Refuse(CommandKind.Set, FeatureLevels.First));
    }

    [Theory]
    [InlineData(new byte[] { 1, 99, 0 }, "does not know commands of kind 99 in format 1")]
    [InlineData(new byte[] { 2, 1, 0 }, "does not know commands of kind 1 in format 2")]
    [InlineData(new byte[] { 1, 7, 0, 2 }, "only a leader raises the feature level, which is 2")]
    public void Refuse_encoding_that_no_client_of_this_release_sends_is_refused_by_name(byte[] command, string expected)
    {
        CommandResult? refusal = FeatureLevels.Refuse(command, level: 2);

        Assert.Equal(KvStatus.FeatureNotActive, refusal?.Code);
        Assert.Contains(expected, refusal?.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Refuse_what_is_no_command_passes_since_apply_says_what_is_wrong_with_it()
    {
        Assert.Null(FeatureLevels.Refuse([], level: 1));
        Assert.Null(FeatureLevels.Refuse([1], level: 1));
        Assert.Null(FeatureLevels.Refuse(CommandCodec.Encode(new OpenSessionCommand()), level: 1));
    }
}
