using KvCloud.Consensus;
using KvCloud.Node.Replication.Log;
using KvCloud.Tests.Simulation;

namespace KvCloud.Tests.Node.Replication.Log;

/// <summary>
/// One life story of a log on a simulated disk, from one seed: writes, trims, marks and starts, each of which a crash,
/// a power cut or a failing call may cut off, and damage while nobody uses the disk. After each start the log must hold
/// what was settled, and of the one operation that was not, all or nothing; or it must refuse, and only if something
/// was damaged.
/// </summary>
internal sealed class LogOnSimDisk
{
    private const string LogPath = "/node/log";
    private const string MarkPath = LogPath + ".mark";
    private const int StampPlaceBytes = 500;

    private readonly DeterministicRandom _random;
    private readonly SimDisk _disk;
    private readonly SegmentedLogOptions _options;
    private readonly Queue<Action> _later = [];

    /// <summary>What the log holds, if it holds one state for certain; and what it may hold besides.</summary>
    private LogModel _certain = LogModel.Empty;
    private LogModel? _possible;

    /// <summary>
    /// How many groups were settled, how many of them the mark knows, and what the log held before the last.
    /// </summary>
    private long _groups;
    private long _marked;
    private LogModel _before = LogModel.Empty;
    private SegmentedPaxosLog? _log;
    private OlderDay? _olderDay;
    private long _highestRound;
    private int _payload;

    /// <summary>Some call of this operation may fail.</summary>
    private bool _hasArmed;

    /// <summary>Nothing goes wrong any more.</summary>
    private bool _isCalm;

    public LogOnSimDisk(ulong seed)
    {
        _random = new DeterministicRandom(seed);
        _disk = new SimDisk(new DeterministicRandom(~seed));
        _disk.CreateDirectory("/node");
        _disk.FlushDirectory("/");
        _options = new SegmentedLogOptions { SegmentSizeBytes = 16 * 1024, RunLater = _later.Enqueue };
    }

    public int Crashes { get; private set; }

    public int Refusals { get; private set; }

    public int HarmlessDamages { get; private set; }

    public int Segments { get; private set; }

    public void Live(int lives)
    {
        for (int life = 0; life < lives; life++)
        {
            if (!Start())
            {
                continue;
            }

            bool isAlive = true;
            for (int steps = _random.Next(60); isAlive && steps > 0; steps--)
            {
                isAlive = Step();
            }

            if (isAlive)
            {
                Stop();
            }

            Segments = Math.Max(
                Segments, _disk.FilesBelow(LogPath).Count(file => file.Contains("/0", StringComparison.Ordinal)));
            _disk.Heal();
            if (_random.Chance(300))
            {
                Damage();
            }
        }

        _isCalm = true;
        Start();
    }

    /// <returns>False if that was cut off by a crash or a fault.</returns>
    private bool Start()
    {
        MaybeArm(perMille: 60);
        SegmentedPaxosLog? log = null;
        bool isDone = Run(
            () => log = SegmentedPaxosLog.Open(_disk, LogPath, options: _options), crashPerMille: _isCalm ? 0 : 100);
        _disk.Heal();
        if (!isDone)
        {
            return false;
        }

        var found = LogModel.Of(log!);
        Assert.True(
            found == _certain || found == _possible,
            $"after a start the log has {found}; it should have {_certain} or {_possible}");
        _log = log;
        Know(found);
        return true;
    }

    /// <returns>False if the log is at its end.</returns>
    private bool Step()
    {
        SegmentedPaxosLog log = _log!;
        MaybeArm(perMille: 15);
        int choice = _random.Next(100);
        if (choice < 60)
        {
            List<Effects> writes = [.. Enumerable.Range(0, _random.Next(1, 4)).Select(_ => DrawEffects())];
            return Change(_certain.With(writes), () => Write(log, writes));
        }

        if (choice < 70)
        {
            long highest = Math.Max(_certain.First.Value, _certain.Last.Value);
            var slot = new Slot(_random.Next((int)_certain.First.Value, (int)highest + 2));
            return Change(_certain.TrimmedBelow(slot), () => log.TrimBelow(slot));
        }

        if (choice < 77)
        {
            bool isDone = Run(log.Mark, crashPerMille: 20);
            _marked = isDone ? _groups : _marked;
            return isDone;
        }

        if (choice < 87 && _later.TryDequeue(out Action? work))
        {
            return Run(work, crashPerMille: 50);
        }

        CheckReading(log);
        return true;
    }

    private bool Change(LogModel after, Action change)
    {
        _possible = after;
        if (!Run(change, crashPerMille: 25))
        {
            return false;
        }

        if (after != _certain)
        {
            _before = _certain;
            _groups++;
        }

        _certain = after;
        _possible = null;
        return true;
    }

    private static void Write(SegmentedPaxosLog log, List<Effects> writes)
    {
        try
        {
            log.Write(writes);
        }
        catch (LogFailedException)
        {
            // What is on the disk is unknown: nothing may come after it.
            Assert.Throws<LogFailedException>(() => log.Write([LogEntries.Effects(null, 0, LogEntries.Entry(1, "x"))]));
            throw;
        }
    }

    private void Stop()
    {
        SegmentedPaxosLog log = _log!;
        _log = null;
        MaybeArm(perMille: 15);
        if (_random.Chance(500))
        {
            // The mark may fail at a stop, which is no harm.
            bool isCertain = _disk.ArmedFaults == 0;
            if (Run(log.Dispose, crashPerMille: 50))
            {
                _marked = isCertain ? _groups : _marked;
                _disk.Heal();
                RunWhatIsTooLate();
                if (_random.Chance(500))
                {
                    _disk.Crash(isPowerCut: true);
                }
            }
        }
        else
        {
            Crash();
        }
    }

    /// <summary>One operation of the disk, which a crash may cut off, and a fault end.</summary>
    /// <returns>False if it was.</returns>
    private bool Run(Action operation, int crashPerMille)
    {
        _disk.BeginOperation();
        try
        {
            operation();
        }
        catch (LogFailedException)
        {
            Assert.True(_hasArmed, "the log failed where the disk did not");
            _disk.EndOperation();
            if (_random.Chance(500))
            {
                // It dies of that a moment later.
                _disk.Settle();
            }

            Crash();
            return false;
        }

        _disk.EndOperation();
        if (_random.Chance(crashPerMille))
        {
            Crash();
            return false;
        }

        _disk.Settle();
        return true;
    }

    private void Crash()
    {
        Crashes++;
        _log = null;
        _later.Clear();
        _disk.Crash(isPowerCut: _random.Chance(500));
        if (_random.Chance(100))
        {
            _disk.Crash(isPowerCut: true);
        }
    }

    private void Know(LogModel found)
    {
        if (found == _possible && found != _certain)
        {
            _before = _certain;
            _groups++;
        }

        _certain = found;
        _possible = null;
        _marked = _groups;
    }

    private void MaybeArm(int perMille)
    {
        _hasArmed = false;
        _disk.Heal();
        if (_isCalm || !_random.Chance(perMille))
        {
            return;
        }

        _hasArmed = true;
        if (_random.Chance(200))
        {
            _disk.IsFull = true;
            return;
        }

        _disk.FailNext((SimDiskCall)_random.Next((int)SimDiskCall.Move + 1), _random.Chance(700) ? "/" : LogPath);
    }

    private void CheckReading(SegmentedPaxosLog log)
    {
        int from = _random.Next(1, (int)_certain.Last.Value + 3);
        int to = from + _random.Next(20);
        bool isOutOfHandles = _random.Chance(200);
        bool failsToRead = _random.Chance(200);
        _disk.Heal();
        _disk.IsOutOfHandles = isOutOfHandles;
        if (failsToRead)
        {
            _disk.FailNext(SimDiskCall.Read);
        }

        List<LogEntry> expected =
            [.. _certain.Entries.Values.Where(entry => entry.Slot.Value >= from && entry.Slot.Value <= to)];
        if (expected.Count > 0 && (isOutOfHandles || failsToRead))
        {
            Assert.Throws<LogUnreadableException>(() => log.Read(new Slot(from), new Slot(to), int.MaxValue));
        }

        _disk.Heal();
        Assert.Equal(
            LogEntries.Describe(expected), LogEntries.Describe(log.Read(new Slot(from), new Slot(to), int.MaxValue)));
    }

    /// <summary>
    /// Something happens to the disk of a log that is not in use. The start refuses it by name, or it did no harm.
    /// </summary>
    private void Damage()
    {
        SimDiskSnapshot whole = _disk.Snapshot();
        string[] files = [.. _disk.FilesBelow("/").Where(file => _disk.LengthOf(file) > 0)];
        if (files.Length == 0)
        {
            return;
        }

        string file = files[_random.Next(files.Length)];
        OlderDay? mayBe = null;
        string what;
        switch (_random.Next(11))
        {
            case 10 when _olderDay is OlderDay olderDay && _disk.FileExists(MarkPath):
                what = $"return of {LogPath} to an older day";
                _disk.RestoreFrom(olderDay.Log);

                // The mark does not know of what was written since.
                mayBe = _marked <= olderDay.Groups + (olderDay.Possible is null ? 0 : 1) ? olderDay : null;
                break;
            case 0 when _disk.DirectoryExists(LogPath) && _disk.FileExists(MarkPath):
                what = $"loss of {LogPath}";
                _disk.Lose(LogPath);
                break;
            case <= 3:
                what = $"loss of {file}";
                _disk.Lose(file);
                break;
            default:
                int bit = _random.Next((int)_disk.LengthOf(file) * 8);
                what = $"flip of bit {bit} in {file}";
                _disk.FlipBit(file, bit);

                // The stamp of a sector of the last group, which nobody has sealed yet: it looks like a write that was
                // cut off.
                mayBe = _marked < _groups && bit / 8 % GroupFrame.SectorSizeBytes >= StampPlaceBytes
                    ? new OlderDay(whole, _before, null, _groups)
                    : null;
                break;
        }

        try
        {
            using var log = SegmentedPaxosLog.Open(_disk, LogPath, options: _options);
            var found = LogModel.Of(log);
            Assert.True(
                found == _certain
                || found == _possible
                || (mayBe is not null && (found == mayBe.Certain || found == mayBe.Possible)),
                $"after a {what} the log has {found}; it should have {_certain} or {_possible}, or refuse");
            HarmlessDamages++;
        }
        catch (LogCorruptException exception)
        {
            Assert.Contains(LogPath, exception.Message, StringComparison.Ordinal);
            Refusals++;
        }

        RunWhatIsTooLate();
        _disk.RestoreFrom(whole);
        if (_random.Chance(300))
        {
            _olderDay = new OlderDay(_disk.Snapshot(LogPath), _certain, _possible, _groups);
        }
    }

    /// <summary>The log that wanted it is closed, and another one may use the directory.</summary>
    private void RunWhatIsTooLate()
    {
        IReadOnlyList<string> files = _disk.FilesBelow("/");
        while (_later.TryDequeue(out Action? work))
        {
            work();
        }

        Assert.Equal(files, _disk.FilesBelow("/"));
    }

    private Effects DrawEffects()
    {
        Ballot? promised = null;
        if (_random.Chance(200))
        {
            long highest = Math.Max(Math.Max(_certain.Promised.Round, _highestRound), 1);
            promised = new Ballot(highest + _random.Next(2), new NodeId(2));
            _highestRound = promised.Value.Round;
        }

        long first = _certain.First.Value;
        int entries = _random.Next(4);
        return LogEntries.Effects(
            promised,
            _random.Chance(300) ? first + _random.Next(20) : 0,
            [.. Enumerable.Range(0, entries).Select(_ => LogEntries.Entry(first + _random.Next(30), DrawPayload()))]);
    }

    private string DrawPayload()
    {
        int maxBytes = _random.Chance(20) ? 40_000 : _random.Chance(200) ? 4_000 : 400;
        int length = _random.Next(maxBytes);
        return new string((char)('a' + (++_payload % 26)), length);
    }

    /// <summary>The log's directory as it was once, with what it held.</summary>
    private sealed record OlderDay(SimDiskSnapshot Log, LogModel Certain, LogModel? Possible, long Groups);
}
