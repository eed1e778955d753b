using System.Globalization;
using System.Net.Sockets;
using System.Text;
using KvCloud.Protocol;
using Thrift;
using Thrift.Transport;

namespace KvCloud.Tests.Live;

/// <summary>
/// A client that trusts no answer: it sends each request five times under one sequence, to one node after the other,
/// whatever it hears. Each must take effect once, and all answers that tell an outcome must be the same.
/// </summary>
internal sealed class ResendLoad(LiveCluster cluster) : IDisposable
{
    private const int Times = 5;
    private const int MostAttempts = 400;

    private readonly PlainClient?[] _clients = new PlainClient?[cluster.Count];
    private long _clientId;
    private long _sequence;

    /// <summary>Answers that told no outcome: no leader, or one that was lost.</summary>
    public int Vague { get; private set; }

    /// <summary>Requests with the answer that all five sendings got: its version, 0 for CONFLICT.</summary>
    public Dictionary<long, long> Answers { get; } = [];

    public List<string> Violations { get; } = [];

    public async Task RunAsync(CancellationToken until)
    {
        _clientId = await OpenSessionAsync();
        while (!until.IsCancellationRequested)
        {
            await SendFiveTimesAsync(++_sequence);
        }
    }

    public void Dispose()
    {
        foreach (PlainClient? client in _clients)
        {
            client?.Dispose();
        }
    }

    /// <summary>The key that request <paramref name="sequence"/> generates begins with this.</summary>
    public static string PrefixOf(long sequence) =>
        string.Create(CultureInfo.InvariantCulture, $"once/{sequence:00000000}/");

    private async Task<long> OpenSessionAsync()
    {
        for (int attempt = 0; attempt < MostAttempts; attempt++)
        {
            OpenSessionResponse? answer = await TryAsync(attempt, calls => calls.openSession(new OpenSessionRequest()));
            if (answer is { Success: true })
            {
                return answer.ClientId;
            }

            await Task.Delay(20);
        }

        throw new TimeoutException("no session was opened");
    }

    private async Task SendFiveTimesAsync(long sequence)
    {
        HashSet<string> answers = [];
        int told = 0;
        for (int attempt = 0; told < Times; attempt++)
        {
            Assert.True(attempt < MostAttempts, $"request {sequence} got {told} answers in {attempt} attempts");
            AtomicCommitResponse? answer = await TryAsync(
                (int)sequence + attempt, calls => calls.atomicCommit(RequestOf(sequence)));
            if (answer is { Success: true } || answer?.ErrorCode == "CONFLICT")
            {
                told++;
                answers.Add(answer.Success
                    ? $"{answer.CommittedVersion} {Convert.ToHexString(answer.Generated![0])}"
                    : $"{answer.ErrorCode} {answer.Error}");
                Answers[sequence] = answer.Success ? answer.CommittedVersion : 0;
                continue;
            }

            Vague++;
            if (answer is not null
                && answer.ErrorCode is not ("NO_LEADER" or "NOT_LEADER" or "OUTCOME_UNKNOWN" or "TIMEOUT"
                or "SHUTTING_DOWN" or "OVERLOADED"))
            {
                Violations.Add($"request {sequence} was answered {answer.ErrorCode}: {answer.Error}");
            }

            await Task.Delay(20);
        }

        if (answers.Count != 1)
        {
            Violations.Add($"request {sequence} was answered in {answers.Count} ways: {string.Join("; ", answers)}");
        }
    }

    /// <summary>
    /// Every fourth conflicts with what the one before wrote, at any time: its answer must be remembered as well.
    /// </summary>
    private AtomicCommitRequest RequestOf(long sequence)
    {
        byte[] key = [.. Encoding.ASCII.GetBytes(PrefixOf(sequence)), .. new byte[10]];
        bool conflicts = sequence % 4 == 0;
        return new AtomicCommitRequest(
            conflicts ? Answers[sequence - 1] - 1 : 0,
            [
                new Operation("SET_VERSIONSTAMPED_KEY", key) { Value = [1] },
                new Operation("set", "once-last"u8.ToArray()) { Value = Encoding.ASCII.GetBytes(PrefixOf(sequence)) },
            ],
            conflicts ? ["once-last"u8.ToArray()] : [])
        {
            ClientId = _clientId,
            Sequence = sequence,
            AcknowledgedBelow = sequence,
            TimeoutMs = 1500,
        };
    }

    /// <summary>Null when the node is away or the connection broke.</summary>
    private async Task<T?> TryAsync<T>(int node, Func<TransactionalKV.Client, Task<T>> call)
        where T : class
    {
        node %= _clients.Length;
        try
        {
            PlainClient client = _clients[node] ??= new PlainClient(cluster.Endpoints[node]);
            return await call(client.Calls).WaitAsync(TimeSpan.FromSeconds(5));
        }
        catch (Exception exception) when (exception is IOException or SocketException or TException or TimeoutException
            or ObjectDisposedException)
        {
            _clients[node]?.Dispose();
            _clients[node] = null;
            return null;
        }
    }
}
