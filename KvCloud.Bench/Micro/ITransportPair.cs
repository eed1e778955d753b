using KvCloud.Consensus;

namespace KvCloud.Bench.Micro;

/// <summary>Two peers, 1 and 2, with a connection in each direction.</summary>
internal interface ITransportPair : IAsyncDisposable
{
    /// <summary>Connects them. What each receives is called on the thread that brings it.</summary>
    Task StartAsync(Action<IReadOnlyList<Message>> receivedByOne, Action<IReadOnlyList<Message>> receivedByTwo);

    void SendFromOne(IReadOnlyList<Message> messages);

    void SendFromTwo(IReadOnlyList<Message> messages);
}
