namespace KvCloud.Tests.Simulation;

/// <summary>A checker found something, or the production code broke an invariant of its own.</summary>
public sealed class SimFailureException : Exception
{
    public SimFailureException(string message)
        : base(message)
    {
    }

    public SimFailureException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
