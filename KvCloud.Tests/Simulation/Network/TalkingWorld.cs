using System.Globalization;
using System.IO.Hashing;
using KvCloud.Consensus;
using KvCloud.Node.Transport;
using KvCloud.Tests.Node.Transport;

namespace KvCloud.Tests.Simulation;

/// <summary>
/// Nodes that only talk: each message is one of its kind, so that the world knows what was changed, lost or overtaken.
/// </summary>
internal sealed class TalkingWorld : ISimScheduler
{
    private readonly PriorityQueue<Action, (long Us, long Order)> _events = new();
    private readonly SimProfile _profile;
    private readonly Random _content;
    private readonly List<(int From, int To, int Start, UInt128 Hash, long LossEpoch)> _sent = [];
    private readonly HashSet<(int From, int To, UInt128 Hash)> _known = [];
    private readonly HashSet<(int From, int To, UInt128 Hash)> _delivered = [];
    private readonly Dictionary<(int From, int To), int> _lastIndex = [];
    private readonly Dictionary<UInt128, int> _indexes = [];
    private long _order;
    private long _ids;
    private bool _isHealed;

    public TalkingWorld(ulong seed, SimProfile profile, TransportOptions? options = null)
    {
        Random = new DeterministicRandom(seed);
        _profile = profile;
        _content = new Random((int)seed);
        Network = new SimByteNetwork(this, profile) { OnTrace = Note };
        Nodes = [.. Enumerable.Range(0, profile.Nodes).Select(id => new TalkingNode(this, id, options ?? Options))];
    }

    public static TransportOptions Options { get; } = new()
    {
        MaxFrameBytes = 64 * 1024,
        MaxQueuedBulkBytes = 256 * 1024,
        PeerTimeoutMs = 1_000,
        MaxReconnectDelayMs = 300,
    };

    public long NowUs { get; private set; }

    public DeterministicRandom Random { get; }

    public SimByteNetwork Network { get; }

    public IReadOnlyList<TalkingNode> Nodes { get; }

    public List<string> Trace { get; } = [];

    public int Delivered { get; private set; }

    public int Lost { get; private set; }

    public int OutOfOrder { get; private set; }

    public int Missing => _sent.Count(sent => !_delivered.Contains((sent.From, sent.To, sent.Hash)));

    public bool AllConnected => Nodes.All(node => Nodes.All(
        other => node == other || StateOf(node.Id, other.Id).IsConnected));

    public void After(long delayUs, Action action) =>
        _events.Enqueue(action, (NowUs + Math.Max(0, delayUs), ++_order));

    public void RunFor(long us)
    {
        long untilUs = NowUs + us;
        while (_events.TryPeek(out _, out (long Us, long Order) next) && next.Us <= untilUs)
        {
            Action action = _events.Dequeue();
            NowUs = next.Us;
            action();
        }

        NowUs = untilUs;
    }

    public LinkState StateOf(int node, int peer) => Nodes[node].Transport?.StateOf(new NodeId(peer)) ?? default;

    public void StartAll()
    {
        foreach (TalkingNode node in Nodes)
        {
            node.Start();
        }
    }

    public void MakeTrouble(long forUs)
    {
        long untilUs = NowUs + forUs;
        Every(_profile.PartitionEveryMs, untilUs, Network.ChangePartition);
        Every(_profile.BreakEveryMs, untilUs, Network.BreakConnection);
        Every(_profile.CorruptEveryMs, untilUs, Network.CorruptConnection);
        Every(_profile.CrashEveryMs, untilUs, Crash);
        Every(_profile.PauseEveryMs, untilUs, () => Nodes[Random.Next(Nodes.Count)].Transport?.PauseUntil(
            NowUs + (Random.Next(1_000) * SimProfile.Millisecond)));
    }

    public void Talk(long forUs)
    {
        long untilUs = NowUs + forUs;
        Every(2, untilUs, () =>
        {
            int from = Random.Next(Nodes.Count);
            for (int count = 1 + Random.Next(4); count > 0; count--)
            {
                Send(from, (from + 1 + Random.Next(Nodes.Count - 1)) % Nodes.Count);
            }
        });
    }

    public void SendAll()
    {
        foreach (TalkingNode from in Nodes)
        {
            foreach (TalkingNode to in Nodes.Where(to => to != from))
            {
                Send(from.Id, to.Id);
            }
        }
    }

    public void Send(int from, int to)
    {
        if (Nodes[from].Transport is not { IsPaused: false } transport)
        {
            return;
        }

        // Each message is one of its kind, so that what arrives is known by its bytes.
        Message message = Random.Next(3) == 0
            ? SampleMessages.AcceptOf(
                new NodeId(from), new NodeId(to), ++_ids, Random.Next(2_000), 1 + Random.Next(3))
            : new ReadIndexReply(new NodeId(from), new NodeId(to), ++_ids, true, new Slot(_content.NextInt64()));
        UInt128 hash = Hash(message);
        _known.Add((from, to, hash));
        _indexes[hash] = _sent.Count;
        _sent.Add((from, to, Nodes[from].Starts, hash, transport.StateOf(new NodeId(to)).LossEpoch));
        transport.Send([message]);
    }

    public void Heal()
    {
        _isHealed = true;
        Network.Heal();
        foreach (TalkingNode node in Nodes)
        {
            node.Transport?.Resume();
            if (node.Transport is null)
            {
                node.Start();
            }
        }
    }

    public void Received(int at, IReadOnlyList<Message> messages)
    {
        foreach (Message message in messages)
        {
            UInt128 hash = Hash(message);
            int from = message.From.Value;
            Assert.Equal(at, message.To.Value);
            if (message is not Accept { Entries: [{ Value.Payload.Length: 20_000 }] })
            {
                Assert.True(_known.Contains((from, at, hash)), $"{message} was sent as it arrived");
                int index = _indexes[hash];
                OutOfOrder += index < _lastIndex.GetValueOrDefault((from, at)) ? 1 : 0;
                _lastIndex[(from, at)] = index;
                Trace.Add(string.Create(CultureInfo.InvariantCulture, $"{NowUs} {from}->{at} {index}"));
            }

            _delivered.Add((from, at, hash));
            Delivered++;
        }
    }

    /// <summary>Whatever a node sent and nobody got, its own link to the receiver must tell of.</summary>
    public void CheckLosses()
    {
        foreach ((int from, int to, int start, UInt128 hash, long lossEpoch) in _sent)
        {
            if (_delivered.Contains((from, to, hash)))
            {
                continue;
            }

            Lost++;
            if (Nodes[from].Starts == start)
            {
                Assert.True(StateOf(from, to).LossEpoch > lossEpoch, $"a message {from}->{to} was lost unnoticed");
            }
        }
    }

    public void Note(string line) => Trace.Add(string.Create(CultureInfo.InvariantCulture, $"{NowUs} {line}"));

    private static UInt128 Hash(Message message) => XxHash128.HashToUInt128(SampleMessages.Encode(message));

    private void Every(int meanMs, long untilUs, Action action)
    {
        if (meanMs == 0)
        {
            return;
        }

        After((1 + Random.Next(2 * meanMs)) * SimProfile.Millisecond, () =>
        {
            if (NowUs < untilUs && !_isHealed)
            {
                action();
                Every(meanMs, untilUs, action);
            }
        });
    }

    private void Crash()
    {
        TalkingNode node = Nodes[Random.Next(Nodes.Count)];
        if (node.Transport is not null)
        {
            node.Crash(isPowerCut: Random.Chance(300));
            After(Random.Next(1_500) * SimProfile.Millisecond, () =>
            {
                if (node.Transport is null)
                {
                    node.Start();
                }
            });
        }
    }
}
