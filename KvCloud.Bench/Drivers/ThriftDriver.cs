using KvCloud.Bench.Load;
using KvCloud.Bench.Wire;
using KvCloud.Protocol;

namespace KvCloud.Bench.Drivers;

/// <summary>
/// Plain Thrift as a legacy client uses it: Apache's generated client, one connection per call in flight.
/// </summary>
internal sealed class ThriftDriver(EndpointChooser endpoints) : ILibraryDriver
{
    public bool Multiplexes => false;

    public ICallConnection Open(int number) => new Connection(endpoints, number);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private sealed class Connection(EndpointChooser endpoints, int number) : ICallConnection
    {
        private TransactionalKV.Client? _client;
        private long _newestVersion;

        public async Task<WireAnswer> CallAsync(LibraryCall call, CancellationToken cancellationToken)
        {
            try
            {
                _client ??= await ThriftLeaderFinder
                    .ConnectAsync(endpoints.Of(number), cancellationToken).ConfigureAwait(false);
                WireAnswer answer = await SendAsync(_client, call, cancellationToken).ConfigureAwait(false);
                if (answer.Status == CallStatus.NotLeader)
                {
                    Drop();
                }

                return answer;
            }
            catch (Exception failure) when (ThriftLeaderFinder.IsNoAnswer(failure, cancellationToken))
            {
                Drop();
                return new WireAnswer(0, CallStatus.ConnectionLost, failure.Message);
            }
        }

        public ValueTask DisposeAsync()
        {
            _client?.Dispose();
            return ValueTask.CompletedTask;
        }

        private void Drop()
        {
            _client?.Dispose();
            _client = null;
            endpoints.InvalidateLeader();
        }

        private async Task<WireAnswer> SendAsync(
            TransactionalKV.Client client, LibraryCall call, CancellationToken cancellationToken)
        {
            switch (call.Kind)
            {
                case CallKind.Set:
                    SetResponse set = await client.setKey(new SetRequest(call.Keys[0], call.Value), cancellationToken)
                        .ConfigureAwait(false);
                    _newestVersion = Math.Max(_newestVersion, set.Version);
                    return Answer(set.Code, set.Error, set.Success ? CallStatus.Ok : CallStatus.Refused);
                case CallKind.Commit:
                    return await CommitAsync(client, call, cancellationToken).ConfigureAwait(false);
                case CallKind.Range:
                    GetRangeResponse range = await client.getRange(
                        new GetRangeRequest
                        {
                            BeginKey = call.Keys[0],
                            EndKey = call.EndKey,
                            Limit = call.Limit,
                            Consistency = ReadConsistency.LOCAL,
                        },
                        cancellationToken).ConfigureAwait(false);
                    return Answer(range.Code, range.Error, range.Success ? CallStatus.Ok : CallStatus.Refused);
                default:
                    GetResponse get = await client.get(
                        new GetRequest(call.Keys[0]) { Consistency = ThriftProtocol.ConsistencyOf(call.Kind) },
                        cancellationToken)
                        .ConfigureAwait(false);
                    return Answer(get.Code, get.Error, get.Found ? CallStatus.Ok : CallStatus.NotFound);
            }
        }

        private async Task<WireAnswer> CommitAsync(
            TransactionalKV.Client client, LibraryCall call, CancellationToken cancellationToken)
        {
            var operations = call.Keys.Select(key => new Protocol.Operation("set", key) { Value = call.Value })
                .ToList();
            AtomicCommitResponse commit = await client.atomicCommit(
                new AtomicCommitRequest(_newestVersion, operations, []), cancellationToken)
                .ConfigureAwait(false);
            _newestVersion = Math.Max(_newestVersion, commit.CommittedVersion);
            return Answer(commit.Code, commit.Error, commit.Success ? CallStatus.Ok : CallStatus.Refused);
        }

        private static WireAnswer Answer(ErrorCode code, string? error, CallStatus otherwise) =>
            new(0, ThriftProtocol.StatusOf(code, error, otherwise), error);
    }
}
