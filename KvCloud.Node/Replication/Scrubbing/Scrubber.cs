using KvCloud.Node.Files;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.Replication.Snapshots;
using KvCloud.Node.Replication.Workers;
using KvCloud.Node.State;
using KvCloud.Node.Storage;

namespace KvCloud.Node.Replication.Scrubbing;

/// <summary>
/// Reads everything on disk again, slowly and in rounds: the log's segments below the one being written, then the files
/// of the data store. It finds damage in cold data while other replicas still have sound copies. Hashing the stored
/// rows for comparison shares its rate.
/// </summary>
/// <remarks>
/// Damage of the data closes the store: see <see cref="StoreHealth"/>. Damage of the log stops the replica: the
/// exception propagates as from any worker.
/// </remarks>
internal sealed class Scrubber : IWork, IDisposable
{
    private const int BusyMs = 50;
    private const int IdleMs = 500;

    private readonly IPaxosLog _log;
    private readonly KvStoreExecutor _executor;
    private readonly StoredRowsHasher _hasher;
    private readonly IFileSystem _files;
    private readonly Action<string> _tell;
    private readonly IReplicaClock _clock;
    private readonly ScrubOptions _options;
    private readonly RateLimit _rate;
    private LogPlace _place;
    private bool _isLogDone;
    private IStoreScrub? _data;
    private bool _isUnderWay;
    private long _begunAtMs;
    private long _nextAtMs;
    private volatile ScrubProgress _progress = ScrubProgress.None;
    private volatile bool _isBusy;

    public Scrubber(
        IPaxosLog log,
        KvStoreExecutor executor,
        StoredRowsHasher hasher,
        SnapshotPlace place,
        IReplicaRuntime runtime,
        ScrubOptions options)
    {
        _log = log;
        _executor = executor;
        _hasher = hasher;
        _files = place.Files;
        _tell = place.Tell;
        _clock = runtime.Clock;
        _options = options;
        _rate = new RateLimit(runtime.Clock, options.MaxBytesPerSecond);
        _nextAtMs = _clock.NowMs;
    }

    public ScrubProgress Progress => _progress;

    public int MaxSleepMs => _isBusy ? BusyMs : IdleMs;

    public bool IsDue(RunReason reason) => false;

    public bool TryBegin(RunReason reason) => reason == RunReason.TimedOut;

    public void Execute()
    {
        _hasher.Look();
        try
        {
            bool isMore = true;
            while (isMore && _rate.TryTake(_options.PieceBytes))
            {
                isMore = _hasher.Advance(_options.PieceBytes) || Advance();
            }

            _isBusy = isMore;
        }
        catch (StoreCorruptException exception)
        {
            _executor.Health.Report(StoreDamage.Of(exception));
            EndRound(isComplete: false);
        }
        catch (Exception exception) when (
            exception is LogUnreadableException or StoreFailedException or IOException or UnauthorizedAccessException)
        {
            _tell($"the scrub failed, and begins another round later: {exception.Message}");
            EndRound(isComplete: false);
            _nextAtMs = _clock.NowMs + _options.RetryMs;
        }
    }

    public FollowUp Complete() => default;

    public void Abandon()
    {
    }

    /// <summary>After the last run.</summary>
    public void Dispose()
    {
        _data?.Dispose();
        _hasher.Dispose();
    }

    /// <summary>Reads the next piece. False when nothing is due.</summary>
    private bool Advance()
    {
        if (!_isUnderWay)
        {
            if (_clock.NowMs < _nextAtMs)
            {
                return false;
            }

            _isUnderWay = true;
            _begunAtMs = _clock.NowMs;
            _place = default;
            _isLogDone = false;
            _progress = _progress with { IsUnderWay = true, DoneBytes = 0, TotalBytes = _log.SealedBytes };
        }

        int read = _isLogDone ? 0 : _log.Check(ref _place);
        if (read == 0 && !_isLogDone)
        {
            _isLogDone = true;
            return BeginData();
        }

        read = _isLogDone ? _data!.Advance(_options.PieceBytes) : read;
        if (read == 0)
        {
            EndRound(isComplete: true);
            return false;
        }

        _progress = _progress with
        {
            DoneBytes = _progress.DoneBytes + read,
            TotalReadBytes = _progress.TotalReadBytes + read,
        };
        return true;
    }

    private bool BeginData()
    {
        if (_executor.Health.IsDamaged)
        {
            // A closed store is not scrubbed; only the log was.
            EndRound(isComplete: false);
            return false;
        }

        _data = _executor.BeginScrub(_files);
        _progress = _progress with
        {
            TotalBytes = _progress.TotalBytes + _data.SizeBytes,
            UncheckedFiles = _data.UncheckedFiles,
        };
        return true;
    }

    private void EndRound(bool isComplete)
    {
        _data?.Dispose();
        _data = null;
        _isUnderWay = false;
        _isBusy = false;
        _nextAtMs = _begunAtMs + _options.IntervalMs;
        _progress = _progress with
        {
            IsUnderWay = false,
            Rounds = _progress.Rounds + (isComplete ? 1 : 0),
            LastRoundUnixMs = isComplete ? _clock.UnixMs : _progress.LastRoundUnixMs,
        };
    }
}
