using KvCloud.Node.Replication.Fairness;

namespace KvCloud.Tests.Node.Replication.Fairness;

public sealed class FairShareTests
{
    [Theory]
    [InlineData(0, 0, 1, false)]
    [InlineData(0, 100, 100, false)]
    [InlineData(1, 100, 100, true)]
    [InlineData(80, 80, 100, false)]
    [InlineData(81, 81, 100, true)]
    [InlineData(44, 89, 100, false)]
    [InlineData(45, 89, 100, true)]
    [InlineData(1_000_000, 1_000_000, long.MaxValue, false)]
    public void IsUsedUp_of_one_that_holds_more_than_four_times_what_is_free(
        long held, long used, long limit, bool expected) =>
        Assert.Equal(expected, FairShare.IsUsedUp(held, used, limit));

    [Theory]
    [InlineData(1, 80)]
    [InlineData(2, 44)]
    [InlineData(10, 9)]
    public void IsUsedUp_of_several_that_take_all_they_get_leaves_each_the_same_and_room_for_another(
        int greedy, long share)
    {
        const int limit = 1_000;
        long[] held = new long[greedy];
        bool hasTaken = true;
        while (hasTaken)
        {
            hasTaken = false;
            for (int i = 0; i < greedy; i++)
            {
                if (!FairShare.IsUsedUp(held[i], held.Sum(), limit))
                {
                    held[i]++;
                    hasTaken = true;
                }
            }
        }

        Assert.All(held, one => Assert.InRange(one, (share * limit / 100) - 10, (share * limit / 100) + 10));
        Assert.False(FairShare.IsUsedUp(0, held.Sum(), limit));
    }
}
