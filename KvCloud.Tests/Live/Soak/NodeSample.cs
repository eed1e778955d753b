namespace KvCloud.Tests.Live.Soak;

/// <summary>What one process holds at one moment.</summary>
/// <param name="Time">Since the beginning.</param>
/// <param name="Node">The replica's number; <see cref="Client"/> for the process of the load.</param>
/// <param name="Handles">Open files, sockets among them.</param>
internal sealed record NodeSample(
    TimeSpan Time, int Node, long ResidentBytes, int Handles, int Threads, long LogBytes, long DataBytes)
{
    public const int Client = -1;
}
