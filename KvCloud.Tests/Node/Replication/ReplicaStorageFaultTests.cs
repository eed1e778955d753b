using KvCloud.Consensus;
using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.Storage;
using KvCloud.Tests.Simulation;
using static KvCloud.Tests.Node.Replication.Log.LogEntries;

namespace KvCloud.Tests.Node.Replication;

/// <summary>
/// A replica that is killed, or whose power is cut, at any moment from its first start on: it always starts again,
/// under the name that its peers have heard, and knows what it has told them.
/// </summary>
public sealed class ReplicaStorageFaultTests
{
    private const int Seeds = 1_000;
    private const int Peer = 1;
    private const string Path = "/base/kvcloud/node_0";

    [Fact]
    public void Open_replica_that_was_killed_at_any_moment_remembers_what_it_was_and_said()
    {
        for (int seed = 1; seed <= Seeds; seed++)
        {
            try
            {
                new Life((ulong)seed).Live();
            }
            catch (Exception exception)
            {
                throw new InvalidOperationException($"seed {seed}: {exception.Message}", exception);
            }
        }
    }

    private sealed class Life(ulong seed)
    {
        private readonly DeterministicRandom _random = new(seed);
        private readonly SimDisk _disk = new(new DeterministicRandom(~seed));
        private readonly Queue<Action> _later = [];
        private long _drawn;
        private long? _incarnation;
        private Ballot _promised = Ballot.Zero;
        private Ballot _possiblyPromised = Ballot.Zero;
        private long? _admitted;
        private long? _possiblyAdmitted;

        public void Live()
        {
            for (int life = 0; life < 6; life++)
            {
                ReplicaStorage? storage = null;
                bool isAlive = Run(() => storage = Open());
                if (isAlive)
                {
                    Check(storage!);
                }

                for (int steps = _random.Next(6); isAlive && steps > 0; steps--)
                {
                    isAlive = _random.Next(3) switch
                    {
                        0 => Admit(storage!),
                        1 when _later.TryDequeue(out Action? work) => Run(work),
                        _ => Promise(storage!),
                    };
                }

                if (isAlive && _random.Chance(300))
                {
                    isAlive = Run(storage!.Dispose);
                }

                if (isAlive)
                {
                    Crash();
                }
            }
        }

        private ReplicaStorage Open()
        {
            var directory = DataDirectory.Open(_disk, Path, "kvcloud", 0, "0,1,2", () => ++_drawn);
            var options = new SegmentedLogOptions { SegmentSizeBytes = 16 * 1024, RunLater = _later.Enqueue };
            return ReplicaStorage.Open(_disk, directory, _ => new MemoryKvStore(), options);
        }

        private void Check(ReplicaStorage storage)
        {
            long incarnation = storage.Directory.Identity.Incarnation;
            Assert.Equal(_incarnation ?? incarnation, incarnation);
            Assert.False(storage.Directory.IsNew);
            _incarnation = incarnation;
            Assert.Contains(storage.Log.Promised, (Ballot[])[_promised, _possiblyPromised]);
            _promised = _possiblyPromised = storage.Log.Promised;
        }

        private bool Promise(ReplicaStorage storage)
        {
            _possiblyPromised = new Ballot(_promised.Round + 1, new NodeId(0));
            LogEntry entry = Entry(1, new string('a', _random.Next(9_000)));
            bool isDone = Run(() => storage.Log.Write([Effects(_possiblyPromised, 0, entry)]));
            _promised = isDone ? _possiblyPromised : _promised;
            return isDone;
        }

        /// <summary>The peer comes under its incarnation, and once it is admitted under no other.</summary>
        private bool Admit(ReplicaStorage storage)
        {
            long incarnation = 10 + _random.Next(2);
            bool isAdmitted = false;
            bool isDone = Run(() => isAdmitted = storage.Incarnations.TryAdmit(Peer, incarnation));
            if (isAdmitted)
            {
                Assert.Equal(_admitted ?? incarnation, incarnation);
                _possiblyAdmitted = incarnation;
            }
            else
            {
                Assert.NotEqual(_admitted ?? _possiblyAdmitted, incarnation);
                Assert.NotNull(_possiblyAdmitted);
            }

            _admitted = isDone && isAdmitted ? incarnation : _admitted;
            return isDone;
        }

        private bool Run(Action operation)
        {
            _disk.BeginOperation();
            operation();
            _disk.EndOperation();
            if (_random.Chance(200))
            {
                Crash();
                return false;
            }

            _disk.Settle();
            return true;
        }

        private void Crash()
        {
            _later.Clear();
            _disk.Crash(isPowerCut: _random.Chance(500));
        }
    }
}
