using KvCloud.Bench.Load;
using KvCloud.Bench.Wire;

namespace KvCloud.Bench.Drivers;

/// <summary>One call of a client library; the arrays may be kept until it has ended.</summary>
internal sealed record LibraryCall(CallKind Kind, IReadOnlyList<byte[]> Keys, byte[] EndKey, byte[] Value, int Limit);

/// <summary>One connection of a client library. A call that fails is a status; only a defect is an exception.</summary>
internal interface ICallConnection : IAsyncDisposable
{
    Task<WireAnswer> CallAsync(LibraryCall call, CancellationToken cancellationToken);
}

/// <summary>A client library as the generator sees it.</summary>
internal interface ILibraryDriver : IAsyncDisposable
{
    /// <summary>
    /// Whether one connection takes many calls at a time; else each client in flight gets a connection of its own.
    /// </summary>
    bool Multiplexes { get; }

    ICallConnection Open(int number);
}
