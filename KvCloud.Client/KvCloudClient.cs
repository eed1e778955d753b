using System.Diagnostics;
using System.Runtime.CompilerServices;
using KvCloud.Client.Backup;
using KvCloud.Client.Calls;
using KvCloud.Client.Connections;
using KvCloud.Client.Diagnostics;
using KvCloud.Client.Topology;
using KvCloud.Client.Transactions;
using KvCloud.Client.Wire;
using KvCloud.Protocol;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.ServiceDiscovery;

namespace KvCloud.Client;

/// <summary>
/// A client of a KvCloud cluster: one for an application, used by all its threads. Finds all nodes from any one,
/// follows the leader, spreads reads, keeps many calls in flight on few connections, and retries what is safe to retry
/// until the call's deadline. Connects with the first call.
/// </summary>
/// <remarks>
/// Key and value memory is read until the call's task completes and must not be changed before. Cancelling a write
/// gives up waiting for it; the write may happen all the same.
/// Over 400 lines: all that an application calls, documented in one place; the work is done in Calls/.
/// </remarks>
public sealed class KvCloudClient : IAsyncDisposable
{
    private const int CallsOfOneGetMany = 256;

    private readonly ClientOptions _options;
    private readonly CancellationTokenSource _closing = new();
    private readonly ClusterTopology _topology;
    private readonly CallEngine _engine;
    private int _isDisposed;

    /// <summary>
    /// Creates a client from a connection string, `Endpoints=host:9090,host:9091;Consistency=read_index`.
    /// </summary>
    /// <param name="connectionString">See <see cref="KvCloudClientSettings.ConnectionString"/>.</param>
    /// <exception cref="ArgumentException">The connection string is wrong; the message names what.</exception>
    public KvCloudClient(string connectionString)
        : this(new KvCloudClientSettings { ConnectionString = connectionString })
    {
    }

    /// <summary>Creates a client.</summary>
    /// <param name="settings">Copied; later changes have no effect.</param>
    /// <exception cref="ArgumentException">A setting is wrong; the message names it.</exception>
    public KvCloudClient(KvCloudClientSettings settings)
        : this(settings, null, null)
    {
    }

    /// <summary>Creates a client whose endpoints may be names of service discovery, and that logs.</summary>
    /// <param name="settings">Copied; later changes have no effect.</param>
    /// <param name="serviceDiscovery">Resolves endpoints without a port; null: they are host names.</param>
    /// <param name="loggerFactory">For the log, category `KvCloud.Client`; null: none.</param>
    /// <exception cref="ArgumentException">A setting is wrong; the message names it.</exception>
    public KvCloudClient(
        KvCloudClientSettings settings, ServiceEndpointResolver? serviceDiscovery, ILoggerFactory? loggerFactory)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var frozen = FrozenSettings.From(settings, serviceDiscovery);
        _options = frozen.Options;
        var factory = new ConnectorFactory(
            frozen.Connector, frozen.ConnectTimeout, frozen.Tls, frozen.Credentials);
        ILogger logger = loggerFactory?.CreateLogger(ClientLog.Category) ?? NullLogger.Instance;
        _topology = new ClusterTopology(factory, frozen.Pool, logger, _closing.Token);
        _engine = new CallEngine(_options, _topology, frozen.Seeds);
    }

    /// <summary>The endpoint this client takes for the leader's, `host:port`; null while it knows none.</summary>
    public string? LeaderEndpoint => _topology.Leader?.Name;

    /// <summary>Reads a key; null where there is none.</summary>
    /// <param name="key">The key, one byte or more.</param>
    /// <param name="options">How to read; null: as the settings say.</param>
    /// <param name="cancellationToken">Cancels waiting for the answer.</param>
    /// <exception cref="KvCloudException">The read failed.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<byte[]?> GetAsync(
        ReadOnlyMemory<byte> key, KvReadOptions? options = null, CancellationToken cancellationToken = default)
    {
        Reply reply = await ReadAsync(key, options, cancellationToken).ConfigureAwait(false);
        return reply.Flag ? reply.Bytes ?? [] : null;
    }

    /// <summary>Reads a key with the version of the write that produced it; null where there is none.</summary>
    /// <param name="key">The key, one byte or more.</param>
    /// <param name="options">How to read; null: as the settings say.</param>
    /// <param name="cancellationToken">Cancels waiting for the answer.</param>
    /// <exception cref="KvCloudException">The read failed.</exception>
    public async ValueTask<KvEntry?> GetEntryAsync(
        ReadOnlyMemory<byte> key, KvReadOptions? options = null, CancellationToken cancellationToken = default)
    {
        Reply reply = await ReadAsync(key, options, cancellationToken).ConfigureAwait(false);
        return reply.Flag ? new KvEntry(key.ToArray(), reply.Bytes ?? [], reply.Number) : null;
    }

    /// <summary>
    /// Reads many keys side by side; the answers are in the order of the keys, null where there is none.
    /// </summary>
    /// <param name="keys">The keys, each one byte or more.</param>
    /// <param name="options">How to read; give it a version to read all of them at one moment.</param>
    /// <param name="cancellationToken">Cancels waiting for the answers.</param>
    /// <exception cref="KvCloudException">A read failed.</exception>
    public async ValueTask<byte[]?[]> GetManyAsync(
        IReadOnlyList<ReadOnlyMemory<byte>> keys,
        KvReadOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(keys);
        byte[]?[] values = new byte[]?[keys.Count];
        foreach (int[] chunk in Enumerable.Range(0, keys.Count).Chunk(CallsOfOneGetMany))
        {
            Task<byte[]?>[] reads =
                [.. chunk.Select(index => GetAsync(keys[index], options, cancellationToken).AsTask())];
            byte[]?[] found = await Task.WhenAll(reads).ConfigureAwait(false);
            found.CopyTo(values, chunk[0]);
        }

        return values;
    }

    /// <summary>
    /// Reads a range in key order, page by page in bounded memory. All of it shows one moment: the first page's, or
    /// <see cref="KvReadOptions.AtVersion"/>. A reader slower than the cluster's retention of old versions gets
    /// VERSION_TOO_OLD.
    /// </summary>
    /// <param name="range">The range.</param>
    /// <param name="options">How to read; null: as the settings say.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <exception cref="KvCloudException">The read failed.</exception>
    public async IAsyncEnumerable<KvEntry> RangeAsync(
        KvRange range,
        KvReadOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        options ??= KvReadOptions.Default;
        int left = range.Limit;
        bool inclusive = true;
        bool hasMore = true;
        while (hasMore)
        {
            KvRange wanted = range with { Limit = left };
            KvPage page = await ReadPageAsync(wanted, inclusive, options, cancellationToken).ConfigureAwait(false);
            foreach (KvEntry row in page.Rows)
            {
                yield return row;
                if (range.Limit > 0 && --left == 0)
                {
                    yield break;
                }
            }

            hasMore = page.HasMore;
            if (hasMore)
            {
                range = range with { Begin = page.Rows[^1].Key };
                inclusive = false;
                options = options.AtVersion is null && page.Version > 0
                    ? options with { AtVersion = page.Version }
                    : options;
            }
        }
    }

    /// <summary>Writes a key.</summary>
    /// <param name="key">The key, one byte or more.</param>
    /// <param name="value">The value; it may be empty.</param>
    /// <param name="options">How to write; null: as the settings say.</param>
    /// <param name="cancellationToken">Cancels waiting; the write may still happen.</param>
    /// <returns>The commit version of the write; 0 from an older server.</returns>
    /// <exception cref="KvCloudException">The write failed, or its outcome is unknown.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<long> SetAsync(
        ReadOnlyMemory<byte> key,
        ReadOnlyMemory<byte> value,
        KvWriteOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        CheckKey(key);
        Reply reply = await WriteAsync(new SetCall(key, value, options?.ColumnFamily), options, cancellationToken)
            .ConfigureAwait(false);
        return reply.Number;
    }

    /// <summary>Removes a key; a key that does not exist is no error.</summary>
    /// <param name="key">The key, one byte or more.</param>
    /// <param name="options">How to write; null: as the settings say.</param>
    /// <param name="cancellationToken">Cancels waiting; the delete may still happen.</param>
    /// <returns>The commit version of the delete; 0 from an older server.</returns>
    /// <exception cref="KvCloudException">The delete failed, or its outcome is unknown.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<long> DeleteAsync(
        ReadOnlyMemory<byte> key, KvWriteOptions? options = null, CancellationToken cancellationToken = default)
    {
        CheckKey(key);
        Reply reply = await WriteAsync(new DeleteCall(key, options?.ColumnFamily), options, cancellationToken)
            .ConfigureAwait(false);
        return reply.Number;
    }

    /// <summary>Writes a key whose last ten bytes the cluster overwrites with the commit version and order.</summary>
    /// <param name="key">The key with ten bytes of room at its end.</param>
    /// <param name="value">The value.</param>
    /// <param name="options">How to write; null: as the settings say.</param>
    /// <param name="cancellationToken">Cancels waiting; the write may still happen.</param>
    /// <exception cref="KvCloudException">The write failed, or its outcome is unknown.</exception>
    public async ValueTask<KvVersionstamped> SetVersionstampedKeyAsync(
        ReadOnlyMemory<byte> key,
        ReadOnlyMemory<byte> value,
        KvWriteOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        CheckKey(key);
        var call = new VersionstampedKeyCall(key, value, options?.ColumnFamily);
        Reply reply = await WriteAsync(call, options, cancellationToken).ConfigureAwait(false);
        return new KvVersionstamped(reply.Bytes ?? [], reply.Number);
    }

    /// <summary>Writes a value whose last ten bytes the cluster overwrites with the commit version and order.</summary>
    /// <param name="key">The key, one byte or more.</param>
    /// <param name="value">The value with ten bytes of room at its end.</param>
    /// <param name="options">How to write; null: as the settings say.</param>
    /// <param name="cancellationToken">Cancels waiting; the write may still happen.</param>
    /// <exception cref="KvCloudException">The write failed, or its outcome is unknown.</exception>
    public async ValueTask<KvVersionstamped> SetVersionstampedValueAsync(
        ReadOnlyMemory<byte> key,
        ReadOnlyMemory<byte> value,
        KvWriteOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        CheckKey(key);
        var call = new VersionstampedValueCall(key, value, options?.ColumnFamily);
        Reply reply = await WriteAsync(call, options, cancellationToken).ConfigureAwait(false);
        return new KvVersionstamped(reply.Bytes ?? [], reply.Number);
    }

    /// <summary>The newest committed version that a later read anywhere must see.</summary>
    /// <param name="options">Only its timeout and endpoint count.</param>
    /// <param name="cancellationToken">Cancels waiting for the answer.</param>
    /// <exception cref="KvCloudException">The call failed.</exception>
    public async ValueTask<long> GetReadVersionAsync(
        KvReadOptions? options = null, CancellationToken cancellationToken = default)
    {
        Reply reply = await CallAsync(default(ReadVersionCall), options, cancellationToken).ConfigureAwait(false);
        return reply.Number;
    }

    /// <summary>
    /// Runs a transaction and commits it; runs it anew, from its beginning, when something it read was written
    /// meanwhile. A commit whose answer is lost is resent under its identity, so it happens once.
    /// </summary>
    /// <param name="body">
    /// Reads and writes through the transaction. It may run several times, so it must have no other effects.
    /// </param>
    /// <param name="options">How; null: all by default.</param>
    /// <param name="cancellationToken">Cancels the transaction; a commit under way may still happen.</param>
    /// <returns>What the body of the committed attempt returned.</returns>
    /// <exception cref="KvCloudException">The transaction failed for good, or its outcome is unknown.</exception>
    public Task<T> RunAsync<T>(
        Func<KvTransaction, Task<T>> body,
        KvTransactionOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(body);
        return TransactionRunner.RunAsync(
            this, body, options ?? KvTransactionOptions.Default, _options.Time, cancellationToken);
    }

    /// <summary>As <see cref="RunAsync{T}"/>, for a body without a result.</summary>
    /// <param name="body">
    /// Reads and writes through the transaction. It may run several times, so it must have no other effects.
    /// </param>
    /// <param name="options">How; null: all by default.</param>
    /// <param name="cancellationToken">Cancels the transaction; a commit under way may still happen.</param>
    /// <exception cref="KvCloudException">The transaction failed for good, or its outcome is unknown.</exception>
    public Task RunAsync(
        Func<KvTransaction, Task> body,
        KvTransactionOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(body);
        return RunAsync(
            async transaction =>
            {
                await body(transaction).ConfigureAwait(false);
                return true;
            },
            options,
            cancellationToken);
    }

    /// <summary>A transaction for those who want to commit it, and to run it anew, themselves.</summary>
    /// <param name="options">How; null: all by default.</param>
    public KvTransaction BeginTransaction(KvTransactionOptions? options = null) =>
        new(this, options ?? KvTransactionOptions.Default);

    /// <summary>Creates a column family, a keyspace of its own.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="cancellationToken">Cancels waiting; it may still be created.</param>
    /// <exception cref="KvCloudException">COLUMN_FAMILY_EXISTS, or the call failed.</exception>
    public async ValueTask CreateColumnFamilyAsync(string name, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        var call = new CreateColumnFamilyCall(name, _options.AuthToken);
        await _engine.CallAsync(call, CallTarget.Leader, null, false, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Drops a column family with all its keys.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="cancellationToken">Cancels waiting; it may still be dropped.</param>
    /// <exception cref="KvCloudException">COLUMN_FAMILY_NOT_FOUND, or the call failed.</exception>
    public async ValueTask DropColumnFamilyAsync(string name, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        var call = new DropColumnFamilyCall(name, _options.AuthToken);
        await _engine.CallAsync(call, CallTarget.Leader, null, false, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The names of all column families.</summary>
    /// <param name="options">How to read; null: as the settings say.</param>
    /// <param name="cancellationToken">Cancels waiting for the answer.</param>
    /// <exception cref="KvCloudException">The call failed.</exception>
    public async ValueTask<IReadOnlyList<string>> ListColumnFamiliesAsync(
        KvReadOptions? options = null, CancellationToken cancellationToken = default)
    {
        var call = new ListColumnFamiliesCall(options?.Consistency ?? _options.Consistency);
        Reply reply = await CallAsync(call, options, cancellationToken).ConfigureAwait(false);
        return await StructReader.ReadColumnFamiliesAsync(reply, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The cluster as one of its nodes sees it.</summary>
    /// <param name="options">Only its timeout and endpoint count.</param>
    /// <param name="cancellationToken">Cancels waiting for the answer.</param>
    /// <exception cref="KvCloudException">The call failed.</exception>
    public async ValueTask<KvClusterHealth> GetClusterHealthAsync(
        KvReadOptions? options = null, CancellationToken cancellationToken = default)
    {
        Reply reply = await CallAsync(new HealthCall(_options.AuthToken), options, cancellationToken)
            .ConfigureAwait(false);
        return await StructReader.ReadHealthAsync(reply, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Figures of one replica's database; name it by <see cref="KvReadOptions.Endpoint"/>.</summary>
    /// <param name="detailed">Whether the store's own figures are wanted too.</param>
    /// <param name="options">Only its timeout and endpoint count.</param>
    /// <param name="cancellationToken">Cancels waiting for the answer.</param>
    /// <exception cref="KvCloudException">The call failed.</exception>
    public async ValueTask<KvDatabaseStats> GetDatabaseStatsAsync(
        bool detailed = false, KvReadOptions? options = null, CancellationToken cancellationToken = default)
    {
        Reply reply = await CallAsync(new StatsCall(_options.AuthToken, detailed), options, cancellationToken)
            .ConfigureAwait(false);
        return await StructReader.ReadStatsAsync(reply, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Changes who the replicas are, or who of them leads. Asked again, what is done already succeeds at once.
    /// </summary>
    /// <param name="change">What is to change.</param>
    /// <param name="timeout">How long it may take; null: as the settings say.</param>
    /// <param name="cancellationToken">Cancels waiting; it may still happen.</param>
    /// <exception cref="KvCloudException">
    /// INVALID_ARGUMENT with the reason: the group refuses it. Or the call failed.
    /// </exception>
    public async ValueTask ChangeMembersAsync(
        KvMemberChange change, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(change);
        var call = new ChangeMembersCall(change, _options.AuthToken);
        CallTarget target = change.Endpoint is null
            ? CallTarget.Leader
            : TargetOf(KvMethod.ChangeMembers, new KvReadOptions { Endpoint = change.Endpoint });
        await _engine.CallAsync(
            call, target, (int?)timeout?.TotalMilliseconds, false, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Changes users or roles; needs the right to administer, but for one's own password and tokens.</summary>
    /// <param name="change">What is to change.</param>
    /// <param name="timeout">How long it may take; null: as the settings say.</param>
    /// <param name="cancellationToken">Cancels waiting; it may still happen.</param>
    /// <exception cref="KvCloudException">The call failed.</exception>
    public async ValueTask ChangeAccessAsync(
        KvAccessChange change, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(change);
        await _engine.CallAsync(
                new ChangeAccessCall(change, _options.AuthToken),
                CallTarget.Leader,
                ToMs(timeout, nameof(timeout)),
                false,
                cancellationToken)
            .ConfigureAwait(false);
    }

    /// <summary>Users and roles, without any secret; needs the right to administer.</summary>
    /// <param name="options">Only its timeout and endpoint count.</param>
    /// <param name="cancellationToken">Cancels waiting for the answer.</param>
    /// <exception cref="KvCloudException">The call failed.</exception>
    public async ValueTask<KvAccess> GetAccessAsync(
        KvReadOptions? options = null, CancellationToken cancellationToken = default)
    {
        Reply reply = await CallAsync(new ListAccessCall(_options.AuthToken), options, cancellationToken)
            .ConfigureAwait(false);
        return await StructReader.ReadAccessAsync(reply, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Pings a node.</summary>
    /// <param name="options">Only its timeout and endpoint count.</param>
    /// <param name="cancellationToken">Cancels waiting for the answer.</param>
    /// <exception cref="KvCloudException">The call failed.</exception>
    public async ValueTask<KvPing> PingAsync(
        KvReadOptions? options = null, CancellationToken cancellationToken = default)
    {
        long started = Stopwatch.GetTimestamp();
        Reply reply = await CallAsync(new PingCall(default, started), options, cancellationToken).ConfigureAwait(false);
        TimeSpan elapsed = Stopwatch.GetElapsedTime(started);
        DateTimeOffset time = await StructReader.ReadPingAsync(reply, cancellationToken).ConfigureAwait(false);
        return new KvPing { Endpoint = options?.Endpoint, RoundTrip = elapsed, ServerTime = time };
    }

    /// <summary>
    /// Makes a node fail calls on purpose, for tests of applications. Only where its configuration allows it.
    /// </summary>
    /// <param name="fault">The error code that calls fail with, such as `CONFLICT`.</param>
    /// <param name="probability">From 0 (off) to 1.</param>
    /// <param name="delay">How long a failing call takes.</param>
    /// <param name="operation">`get`, `set`, `commit` …; null for all.</param>
    /// <param name="options">Only its timeout and endpoint count.</param>
    /// <param name="cancellationToken">Cancels waiting for the answer.</param>
    /// <exception cref="KvCloudException">The call failed.</exception>
    public async ValueTask SetFaultInjectionAsync(
        string fault,
        double probability,
        TimeSpan delay = default,
        string? operation = null,
        KvReadOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(fault);
        var call = new FaultCall(fault, probability, (int)delay.TotalMilliseconds, operation);
        Reply reply = await CallAsync(call, options, cancellationToken).ConfigureAwait(false);
        await StructReader.ReadFaultAsync(reply, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Closes all connections. Calls in flight fail; writes among them with an unknown outcome.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        _engine.Keeper.Close();
        await _closing.CancelAsync().ConfigureAwait(false);
        await _topology.DisposeAsync().ConfigureAwait(false);
        await _engine.DisposeAsync().ConfigureAwait(false);
        _closing.Dispose();
    }

    internal static void CheckKey(ReadOnlyMemory<byte> key)
    {
        if (key.IsEmpty)
        {
            throw new ArgumentException("key cannot be empty", nameof(key));
        }
    }

    internal async ValueTask<(long Version, byte[][] Generated)> CommitAsync(
        CommitCall call, KvTransactionOptions options, CancellationToken cancellationToken)
    {
        int? timeoutMs = ToMs(options.CallTimeout, nameof(options.CallTimeout));
        Reply reply = await _engine
            .CallAsync(call, CallTarget.Leader, timeoutMs, options.ExactlyOnce, cancellationToken)
            .ConfigureAwait(false);
        return (reply.Number, reply.Rows as byte[][] ?? []);
    }

    internal async ValueTask<KvPage> ReadPageAsync(
        KvRange range, bool inclusive, KvReadOptions options, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(range.Limit, nameof(range));
        ArgumentOutOfRangeException.ThrowIfLessThan(range.PageSizeBytes, 1, nameof(range));
        var bounds = new PageBounds(range.Begin, inclusive, range.End, range.Limit, range.PageSizeBytes);
        Reply reply = options.AtVersion is { } version
            ? await CallAsync(new SnapshotRangeCall(bounds, options.ColumnFamily, version), options, cancellationToken)
                .ConfigureAwait(false)
            : await CallAsync(new RangeCall(bounds, options.ColumnFamily, Fields(options)), options, cancellationToken)
                .ConfigureAwait(false);
        KvEntry[] rows = reply.Rows as KvEntry[] ?? [];
        if (rows.Length == 0 && reply.Flag)
        {
            throw new KvCloudException(ErrorCode.INTERNAL, "the server sent an empty page and says that more follows");
        }

        return new KvPage(rows, reply.Flag, reply.Number);
    }

    /// <summary>One replica, `host:port`, as the source of a backup.</summary>
    internal BackupSource BackupFrom(string endpoint) => new(this, endpoint, _options.AuthToken);

    private static int? ToMs(TimeSpan? timeout, string name)
    {
        if (timeout is not { } given)
        {
            return null;
        }

        double ms = given.TotalMilliseconds;
        return ms is >= 1 and <= int.MaxValue / 2
            ? (int)ms
            : throw new ArgumentOutOfRangeException(
                name, given, "The time must be between one millisecond and 12 days.");
    }

    private ValueTask<Reply> ReadAsync(
        ReadOnlyMemory<byte> key, KvReadOptions? options, CancellationToken cancellationToken)
    {
        CheckKey(key);
        return options?.AtVersion is { } version
            ? CallAsync(new SnapshotGetCall(key, options.ColumnFamily, version), options, cancellationToken)
            : CallAsync(new GetCall(key, options?.ColumnFamily, Fields(options)), options, cancellationToken);
    }

    private ReadFields Fields(KvReadOptions? options) => new(
        options?.Consistency ?? _options.Consistency,
        ToMs(options?.MaxStaleness, nameof(KvReadOptions.MaxStaleness)) ?? _options.MaxStalenessMs);

    internal ValueTask<Reply> CallAsync<TRequest>(
        in TRequest request, KvReadOptions? options, CancellationToken cancellationToken)
        where TRequest : struct, IRequest
    {
        int? timeoutMs = ToMs(options?.Timeout, nameof(KvReadOptions.Timeout));
        return _engine.CallAsync(request, TargetOf(TRequest.Method, options), timeoutMs, false, cancellationToken);
    }

    private CallTarget TargetOf(KvMethod method, KvReadOptions? options)
    {
        if (options?.Endpoint is { } endpoint)
        {
            return NodeEndpoint.TryParse(endpoint, out NodeEndpoint parsed, out _)
                ? CallTarget.Only(_topology.Named(parsed))
                : throw new ArgumentException($"'{endpoint}' is no endpoint; wanted is host:port", nameof(options));
        }

        bool hasLevel = method == KvMethod.Get || method == KvMethod.GetRange || method == KvMethod.ListColumnFamilies;
        return hasLevel && (options?.Consistency ?? _options.Consistency) == ReadConsistency.LEADER
            ? CallTarget.Leader
            : CallTarget.AnyReplica;
    }

    private ValueTask<Reply> WriteAsync<TRequest>(
        in TRequest request, KvWriteOptions? options, CancellationToken cancellationToken)
        where TRequest : struct, IRequest =>
        _engine.CallAsync(
            request,
            CallTarget.Leader,
            ToMs(options?.Timeout, nameof(KvWriteOptions.Timeout)),
            options?.ExactlyOnce,
            cancellationToken);
}
