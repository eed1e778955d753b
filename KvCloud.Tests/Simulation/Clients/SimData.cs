namespace KvCloud.Tests.Simulation;

/// <summary>What all clients of a world do.</summary>
internal enum SimWorkload
{
    /// <summary>Single reads and writes of every kind and level.</summary>
    Registers = 0,

    /// <summary>Transactions that move money between accounts.</summary>
    Bank = 1,

    /// <summary>Transactions that change the order of the nodes of a cycle.</summary>
    Cycle = 2,
}

/// <summary>
/// Data with a law that every transaction keeps, and that any reader can hold what it sees to, at any version and on
/// any replica, without knowing anything of how it came about.
/// </summary>
internal abstract class SimData
{
    public abstract IReadOnlyList<string> Keys { get; }

    public abstract string InitialValueOf(int index);

    /// <summary>
    /// One transaction. Each key that it gives is read, and in <paramref name="read"/> when it goes on; what it means
    /// to write it puts into <paramref name="writes"/>.
    /// </summary>
    public abstract IEnumerable<string> Transact(
        Func<int, int> random, IReadOnlyDictionary<string, string> read, IDictionary<string, string> writes);

    /// <summary>What is wrong with these values of all keys; null when nothing is.</summary>
    public abstract string? FindFlaw(IReadOnlyList<string> values);
}
