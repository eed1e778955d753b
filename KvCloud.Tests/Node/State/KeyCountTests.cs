using KvCloud.Node.Operations;
using KvCloud.Node.State;
using static KvCloud.Tests.Node.State.StateHarness;

namespace KvCloud.Tests.Node.State;

/// <summary>
/// The number of keys: exact while there are few, near enough when there are many, whatever is written twice or
/// deleted.
/// </summary>
public sealed class KeyCountTests : IDisposable
{
    private const int SlotSize = 4_000;

    private readonly StateHarness _state = InMemory();

    public void Dispose() => _state.Dispose();

    [Fact]
    public void KeyCount_of_few_keys_is_exact()
    {
        Put(KeyCount.ExactUpTo);
        Put(KeyCount.ExactUpTo / 2);
        Assert.Equal(KeyCount.ExactUpTo, Count);

        Delete(KeyCount.ExactUpTo, from: 3);
        Assert.Equal(3, Count);
    }

    [Fact]
    public void KeyCount_of_many_keys_is_estimated_and_of_few_that_are_left_of_them_counted_again()
    {
        const int Keys = 100_000;
        Put(Keys);
        Put(Keys / 2);
        Assert.InRange(Count, (long)(Keys * 0.9), (long)(Keys * 1.1));

        Delete(Keys / 2, from: 0);
        Assert.InRange(Count, (long)(Keys * 0.43), (long)(Keys * 0.57));

        Delete(Keys - 1_234, from: Keys / 2);
        Assert.Equal(1_234, Count);
    }

    [Fact]
    public void KeyCount_that_is_estimated_survives_a_crash()
    {
        Put(50_000);
        long before = Count;
        _state.Executor.Flush();
        _state.Crash();
        Assert.Equal(before, Count);
        Assert.NotEqual(0, before % 50_000);
    }

    private long Count => _state.Reader.GetStatistics().TotalKeys;

    private void Put(int keys) => Apply(Enumerable.Range(0, keys).Select(i => (KvCommand)Set($"key {i}", "x")));

    private void Delete(int to, int from) =>
        Apply(Enumerable.Range(from, to - from).Select(i => (KvCommand)StateHarness.Delete($"key {i}")));

    private void Apply(IEnumerable<KvCommand> commands)
    {
        foreach (KvCommand[] slot in commands.Chunk(SlotSize))
        {
            _state.Apply(slot);
        }
    }
}
