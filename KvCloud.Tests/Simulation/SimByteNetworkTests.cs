using System.Globalization;
using System.IO.Hashing;
using KvCloud.Consensus;
using KvCloud.Node.Transport;
using KvCloud.Tests.Node.Transport;

namespace KvCloud.Tests.Simulation;

/// <summary>The simulated network on its own: nodes that only talk, under every kind of trouble.</summary>
public sealed class SimByteNetworkTests
{
    private const long FaultyUs = 6 * SimProfile.Second;
    private const long HealedWithinUs = 12 * SimProfile.Second;
    
    /// <summary>Longer than an end may take to notice that the other is gone.</summary>
    private const long DrainUs = 6 * SimProfile.Second;

    [Fact]
    public void The_same_seed_lives_the_same_life()
    {
        List<string> first = Live(11).Trace;
        List<string> second = Live(11).Trace;

        Assert.Equal(first, second);
        Assert.True(first.Count > 1_000);
        Assert.NotEqual(first, Live(12).Trace);
    }

    [Theory]
    [InlineData(1, 60)]
    [InlineData(61, 60)]
    public void Under_all_trouble_no_message_is_changed_none_is_lost_unnoticed_and_links_come_up_again(int from, int seeds)
    {
        long delivered = 0;
        long lost = 0;
        for (int seed = from; seed < from + seeds; seed++)
        {
            TalkingWorld world = Live((ulong)seed);
            delivered += world.Delivered;
            lost += world.Lost;
        }

        Assert.True(delivered > 1_000 * seeds && lost > 10 * seeds, $"delivered {delivered}, lost {lost}");
    }

    [Fact]
    public void Without_trouble_everything_arrives_once_and_in_order()
    {
        var world = new TalkingWorld(5, new SimProfile { Nodes = 3, SplitPerMille = 300, SendBufferBytes = 2_048 });
        world.StartAll();
        world.RunFor(SimProfile.Second);
        world.Talk(SimProfile.Second);
        world.RunFor(2 * SimProfile.Second);

        Assert.True(world.Delivered > 500);
        Assert.Equal(0, world.Missing);
        Assert.Equal(0, world.OutOfOrder);
        Assert.All(world.Nodes, node => Assert.All(
            node.Transport!.Links, link => Assert.True(link is { IsConnected: true, DroppedMessages: 0 })));
        Assert.Equal(6, world.Network.Connections);
    }

    [Fact]
    public void Wiped_node_is_refused_by_those_who_met_it_and_the_others_go_on()
    {
        var world = new TalkingWorld(3, new SimProfile { Nodes = 3 });
        world.StartAll();
        world.RunFor(SimProfile.Second);
        world.Nodes[2].Stop();
        world.RunFor(SimProfile.Second);
        world.Nodes[2].Wipe();
        world.Nodes[2].Start();
        world.RunFor(5 * SimProfile.Second);

        foreach (int other in new[] { 0, 1 })
        {
            string? told = world.Nodes[2].Transport!.Links.Single(link => link.Peer.Value == other).RefusedReason;
            string? seen = world.Nodes[other].Transport!.Links.Single(link => link.Peer.Value == 2).RefusedReason;
            Assert.Contains("it has lost its data directory", told, StringComparison.Ordinal);
            Assert.Contains("it has lost its data directory", seen, StringComparison.Ordinal);
            Assert.False(world.StateOf(other, 2).IsConnected);
            Assert.False(world.StateOf(2, other).IsConnected);
        }

        Assert.True(world.StateOf(0, 1).IsConnected);
        world.Nodes[2].Transport!.Send([new ReadIndexRequest(new NodeId(2), new NodeId(0), 1)]);
        world.RunFor(SimProfile.Second);
        Assert.Equal(0, world.Delivered);
    }

    [Fact]
    public void Restarted_node_with_its_incarnation_is_welcome_again()
    {
        var world = new TalkingWorld(3, new SimProfile { Nodes = 3 });
        world.StartAll();
        world.RunFor(SimProfile.Second);
        LinkState before = world.StateOf(0, 2);
        world.Nodes[2].Crash(isPowerCut: false);
        world.RunFor(SimProfile.Second);
        Assert.False(world.StateOf(0, 2).IsConnected);
        Assert.True(world.StateOf(0, 2).LossEpoch > before.LossEpoch);
        world.Nodes[2].Start();
        world.RunFor(2 * SimProfile.Second);

        Assert.True(world.StateOf(0, 2).IsConnected);
        Assert.Equal(TestNode.Terms, world.Nodes[0].Transport!.IdentityOf(new NodeId(2))!.Terms);
    }

    [Fact]
    public void Power_cut_is_noticed_after_the_peer_timeout_only()
    {
        var world = new TalkingWorld(3, new SimProfile { Nodes = 3 });
        world.StartAll();
        world.RunFor(SimProfile.Second);
        world.Nodes[2].Crash(isPowerCut: true);
        world.RunFor(TalkingWorld.Options.PeerTimeoutMs * SimProfile.Millisecond * 9 / 10);
        Assert.True(world.StateOf(0, 2).IsConnected);
        world.RunFor(TalkingWorld.Options.PeerTimeoutMs * SimProfile.Millisecond);

        Assert.False(world.StateOf(0, 2).IsConnected);
    }

    [Fact]
    public void Short_partition_holds_messages_up_and_loses_none()
    {
        var world = new TalkingWorld(3, new SimProfile { Nodes = 3 });
        world.StartAll();
        world.RunFor(SimProfile.Second);
        LinkState before = world.StateOf(0, 1);
        world.Network.Cut(0, 1);
        world.Send(0, 1);
        world.RunFor(TalkingWorld.Options.PeerTimeoutMs * SimProfile.Millisecond / 2);
        Assert.Equal(0, world.Delivered);
        world.Network.Restore(0, 1);
        world.RunFor(2 * SimProfile.Second);

        Assert.Equal(1, world.Delivered);
        Assert.Equal(before, world.StateOf(0, 1));
    }

    [Fact]
    public void Long_partition_breaks_the_connection_and_raises_the_loss_epoch()
    {
        var world = new TalkingWorld(3, new SimProfile { Nodes = 3 });
        world.StartAll();
        world.RunFor(SimProfile.Second);
        LinkState before = world.StateOf(0, 1);
        world.Network.Cut(1, 0);
        world.Send(0, 1);
        world.RunFor(SimProfile.Second / 10);
        Assert.Equal(1, world.Delivered);
        world.RunFor(2 * TalkingWorld.Options.PeerTimeoutMs * SimProfile.Millisecond);
        LinkState cut = world.StateOf(0, 1);
        Assert.True(!cut.IsConnected && cut.LossEpoch > before.LossEpoch);
        world.Network.Restore(1, 0);
        world.RunFor(3 * SimProfile.Second);

        Assert.True(world.StateOf(0, 1).IsConnected && world.StateOf(1, 0).IsConnected);
    }

    [Fact]
    public void Paused_node_hears_nothing_and_all_of_it_afterwards()
    {
        var world = new TalkingWorld(3, new SimProfile { Nodes = 3 });
        world.StartAll();
        world.RunFor(SimProfile.Second);
        world.Nodes[1].Transport!.PauseUntil(world.NowUs + SimProfile.Second);
        for (int i = 0; i < 50; i++)
        {
            world.Send(0, 1);
        }

        world.RunFor(SimProfile.Second * 9 / 10);
        Assert.Equal(0, world.Delivered);
        world.RunFor(SimProfile.Second);

        Assert.Equal(50, world.Delivered);
        Assert.Equal(0, world.OutOfOrder);
    }

    [Fact]
    public void Full_queue_to_a_node_that_reads_nothing_drops_and_raises_the_loss_epoch()
    {
        var world = new TalkingWorld(3, new SimProfile { Nodes = 3, SendBufferBytes = 4_096 });
        world.StartAll();
        world.RunFor(SimProfile.Second);
        LinkState before = world.StateOf(0, 1);
        world.Nodes[1].Transport!.PauseUntil(world.NowUs + SimProfile.Second);
        for (int i = 0; i < 100; i++)
        {
            world.Nodes[0].Transport!.Send([SampleMessages.AcceptOf(new NodeId(0), new NodeId(1), i + 1, 20_000)]);
        }

        world.RunFor(10 * SimProfile.Second);
        Assert.InRange(world.Delivered, 10, 99);
        Assert.Equal(100 - world.Delivered, world.StateOf(0, 1).LossEpoch - before.LossEpoch);
        Assert.True(world.StateOf(0, 1).IsConnected);
    }

    /// <summary>Draws the trouble from the seed, lives through it, heals, and checks what must hold.</summary>
    private static TalkingWorld Live(ulong seed)
    {
        var random = new DeterministicRandom(seed);
        SimProfile profile = SimProfile.Draw(random) with
        {
            Nodes = 2 + random.Next(4),
            ReorderPerMille = random.Next(2) * 50,
            SplitPerMille = random.Next(3) * 300,
            ConnectFailPerMille = random.Next(2) * 300,
            SendBufferBytes = 1_024 << (2 * random.Next(4)),
            BreakEveryMs = random.Next(2) * 300,
            CorruptEveryMs = random.Next(2) * 300,
        };
        var world = new TalkingWorld(seed, profile, SimByteNetwork.DrawOptions(random));
        world.StartAll();
        world.MakeTrouble(FaultyUs);
        world.Talk(FaultyUs);
        world.RunFor(FaultyUs);
        world.Heal();
        for (long healedUs = world.NowUs; !world.AllConnected;)
        {
            Assert.True(world.NowUs - healedUs < HealedWithinUs, $"seed {seed}: links come up again");
            world.RunFor(100 * SimProfile.Millisecond);
        }

        world.RunFor(DrainUs);
        long before = world.Delivered;
        world.SendAll();
        world.RunFor(DrainUs);
        Assert.Equal(before + (profile.Nodes * (profile.Nodes - 1)), world.Delivered);
        world.CheckLosses();
        return world;
    }

    private sealed class TalkingWorld : ISimScheduler
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
                ? SampleMessages.AcceptOf(new NodeId(from), new NodeId(to), ++_ids, Random.Next(2_000), 1 + Random.Next(3))
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

    private sealed class TalkingNode(TalkingWorld world, int id, TransportOptions options)
    {
        private IncarnationMemory _incarnations = new();
        private long _incarnation = 1_000 + id;

        public int Id => id;

        public int Starts { get; private set; }

        public SimTransport? Transport { get; private set; }

        public void Start()
        {
            Starts++;
            Transport = world.Network.Join(
                TestNode.Identity(id, incarnation: _incarnation),
                world.Nodes.Select(node => node.Id).Where(other => other != id),
                _incarnations,
                options);
            Task started = Transport.StartAsync(messages => world.Received(id, messages), _ => { }, CancellationToken.None);
            Assert.True(started.IsCompletedSuccessfully);
        }

        public void Stop()
        {
            Assert.True(Transport!.DisposeAsync().AsTask().IsCompletedSuccessfully);
            Transport = null;
        }

        public void Crash(bool isPowerCut)
        {
            Transport!.Crash(isPowerCut);
            Transport = null;
        }

        public void Wipe()
        {
            _incarnations = new IncarnationMemory();
            _incarnation += 1_000_000;
        }
    }
}
