using Etcdserverpb;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using KvCloud.Bench.Load;
using KvCloud.Bench.Wire;

namespace KvCloud.Bench.Drivers;

/// <summary>
/// etcd through Grpc.Net.Client: a cross-check of the generator's own etcd driver, and what a .NET client would
/// measure.
/// </summary>
internal sealed class EtcdGrpcDriver(EndpointChooser endpoints) : ILibraryDriver
{
    public bool Multiplexes => true;

    public ICallConnection Open(int number) => new Connection(endpoints.Of(number));

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private sealed class Connection : ICallConnection
    {
        private readonly GrpcChannel _channel;
        private readonly KV.KVClient _client;

        public Connection(string endpoint)
        {
            // A separate handler means a separate connection; one connection carries any number of calls.
            _channel = GrpcChannel.ForAddress(
                $"http://{endpoint}",
                new GrpcChannelOptions
                {
                    HttpHandler = new SocketsHttpHandler { EnableMultipleHttp2Connections = false },
                    DisposeHttpClient = true,
                });
            _client = new KV.KVClient(_channel);
        }

        public async Task<WireAnswer> CallAsync(LibraryCall call, CancellationToken cancellationToken)
        {
            try
            {
                return new WireAnswer(0, await SendAsync(call, cancellationToken).ConfigureAwait(false));
            }
            catch (RpcException failure) when (!cancellationToken.IsCancellationRequested)
            {
                CallStatus status = failure.StatusCode == StatusCode.Unavailable
                    ? CallStatus.ConnectionLost
                    : CallStatus.Refused;
                return new WireAnswer(0, status, failure.Status.Detail);
            }
            catch (RpcException failure)
            {
                throw new OperationCanceledException(failure.Message, failure, cancellationToken);
            }
        }

        public ValueTask DisposeAsync()
        {
            _channel.Dispose();
            return ValueTask.CompletedTask;
        }

        private async Task<CallStatus> SendAsync(LibraryCall call, CancellationToken cancellationToken)
        {
            ByteString key = UnsafeByteOperations.UnsafeWrap(call.Keys[0]);
            ByteString value = UnsafeByteOperations.UnsafeWrap(call.Value);
            switch (call.Kind)
            {
                case CallKind.Set:
                    await _client.PutAsync(
                        new PutRequest { Key = key, Value = value }, cancellationToken: cancellationToken)
                        .ConfigureAwait(false);
                    return CallStatus.Ok;
                case CallKind.Commit:
                    var transaction = new TxnRequest();
                    transaction.Success.AddRange(call.Keys.Select(each => new RequestOp
                    {
                        RequestPut = new PutRequest { Key = UnsafeByteOperations.UnsafeWrap(each), Value = value },
                    }));
                    await _client.TxnAsync(transaction, cancellationToken: cancellationToken).ConfigureAwait(false);
                    return CallStatus.Ok;
                default:
                    var request = new RangeRequest { Key = key };
                    if (call.Kind == CallKind.Range)
                    {
                        request.RangeEnd = UnsafeByteOperations.UnsafeWrap(call.EndKey);
                        request.Limit = call.Limit;
                    }

                    request.Serializable = call.Kind is CallKind.GetLocal or CallKind.Range;
                    RangeResponse rows = await _client
                        .RangeAsync(request, cancellationToken: cancellationToken).ConfigureAwait(false);
                    return rows.Count > 0 || call.Kind == CallKind.Range ? CallStatus.Ok : CallStatus.NotFound;
            }
        }
    }
}
