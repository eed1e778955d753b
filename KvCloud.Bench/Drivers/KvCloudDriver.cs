using System.Runtime.CompilerServices;
using KvCloud.Bench.Load;
using KvCloud.Bench.Wire;
using KvCloud.Client;

namespace KvCloud.Bench.Drivers;

/// <summary>
/// KvCloud as applications use it: one instance of its client library, which pools connections and follows the leader.
/// </summary>
internal sealed class KvCloudDriver : ILibraryDriver
{
    private readonly KvCloudClient _client;

    public KvCloudDriver(LoadOptions options)
    {
        var settings = new KvCloudClientSettings
        {
            MinConnectionsPerNode = options.Connections,
            MaxConnectionsPerNode = options.Connections,
            CallsBeforeAnotherConnection = options.InFlight,

            // etcd's puts have no such guarantee either; a separate run measures the difference.
            ExactlyOnce = options.ExactlyOnce,
            UseTls = options.Tls is not null,
            TlsCa = options.Tls?.Ca,
            TlsCertificate = options.Tls?.Certificate,
            TlsKey = options.Tls?.Key,
        };
        foreach (string endpoint in options.Endpoints)
        {
            settings.Endpoints.Add(endpoint);
        }

        _client = new KvCloudClient(settings);
    }

    public bool Multiplexes => true;

    public ICallConnection Open(int number) => new Calls(_client);

    public ValueTask DisposeAsync() => _client.DisposeAsync();

    private sealed class Calls(KvCloudClient client) : ICallConnection
    {
        public async Task<WireAnswer> CallAsync(LibraryCall call, CancellationToken cancellationToken)
        {
            try
            {
                return new WireAnswer(0, await SendAsync(call, cancellationToken).ConfigureAwait(false));
            }
            catch (KvCloudException failure)
            {
                return new WireAnswer(
                    0, ThriftProtocol.StatusOf(failure.ErrorCode, failure.Message, CallStatus.Refused),
                    failure.Message);
            }
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        private async Task<CallStatus> SendAsync(LibraryCall call, CancellationToken cancellationToken)
        {
            switch (call.Kind)
            {
                case CallKind.Set:
                    await client.SetAsync(call.Keys[0], call.Value, cancellationToken: cancellationToken)
                        .ConfigureAwait(false);
                    return CallStatus.Ok;
                case CallKind.Commit:
                    KvTransaction transaction = client.BeginTransaction();
                    foreach (byte[] key in call.Keys)
                    {
                        transaction.Set(key, call.Value);
                    }

                    await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
                    return CallStatus.Ok;
                case CallKind.Range:
                    var range = new KvRange(call.Keys[0], call.EndKey) { Limit = call.Limit };
                    ConfiguredCancelableAsyncEnumerable<KvEntry> reading = client
                        .RangeAsync(range, Options(call.Kind), cancellationToken).ConfigureAwait(false);
                    await foreach (KvEntry row in reading)
                    {
                        _ = row;
                    }

                    return CallStatus.Ok;
                default:
                    byte[]? value = await client.GetAsync(call.Keys[0], Options(call.Kind), cancellationToken)
                        .ConfigureAwait(false);
                    return value is null ? CallStatus.NotFound : CallStatus.Ok;
            }
        }

        private static KvReadOptions Options(CallKind kind) =>
            new() { Consistency = ThriftProtocol.ConsistencyOf(kind) };
    }
}
