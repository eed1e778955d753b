using KvCloud.Bench.Load;
using KvCloud.Bench.Wire;

namespace KvCloud.Bench.Drivers;

/// <summary>One call of a client library. The arrays may be used until the call has ended.</summary>
internal sealed record LibraryCall(CallKind Kind, IReadOnlyList<byte[]> Keys, byte[] EndKey, byte[] Value, int Limit);

/// <summary>One connection of a client library. A failed call is a status; an exception means a bug.</summary>
internal interface ICallConnection : IAsyncDisposable
{
    Task<WireAnswer> CallAsync(LibraryCall call, CancellationToken cancellationToken);
}

/// <summary>A client library behind the interface that the generator uses.</summary>
internal interface ILibraryDriver : IAsyncDisposable
{
    /// <summary>
    /// Whether one connection carries concurrent calls; otherwise each client in flight gets its own connection.
    /// </summary>
    bool Multiplexes { get; }

    ICallConnection Open(int number);
}
