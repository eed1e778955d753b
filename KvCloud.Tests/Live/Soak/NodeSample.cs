namespace KvCloud.Tests.Live.Soak;

/// <summary>The resources of one process at one moment.</summary>
/// <param name="Time">Time since the start of the soak.</param>
/// <param name="Node">The replica's id; <see cref="Client"/> for the process of the load.</param>
/// <param name="Handles">Open file descriptors, sockets included.</param>
internal sealed record NodeSample(
    TimeSpan Time, int Node, long ResidentBytes, int Handles, int Threads, long LogBytes, long DataBytes)
{
    public const int Client = -1;
}
