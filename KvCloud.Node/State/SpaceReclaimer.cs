using KvCloud.Node.Storage;

namespace KvCloud.Node.State;

/// <summary>
/// Gives up the space of superseded versions when little is written. Under load RocksDB compacts by itself, but it
/// does so when files are added; after the last write nothing would ever leave the disk.
/// </summary>
/// <remarks>
/// Whether there is something to gain is counted, not guessed: the records that the store holds, less those that can
/// still be read. What is superseded is rewritten a piece at a time, so that whoever looks is soon back at its other
/// work, and writers do not notice.
/// </remarks>
internal sealed class SpaceReclaimer(IKvStore store, KvStoreExecutor executor)
{
    /// <summary>Looks on end at which next to nothing had been applied since the one before.</summary>
    private const int QuietLooks = 5;

    private const long QuietBytes = 64 * 1024;

    /// <summary>A smaller table is left alone.</summary>
    private const long MinTableBytes = 4 * 1024 * 1024;

    /// <summary>Of the records at least one in so many must be superseded.</summary>
    private const int WorthwhileShare = 4;

    /// <summary>Rewritten at one look.</summary>
    private const long PieceBytes = 32 * 1024 * 1024;

    private long _appliedBytes;
    private int _quietLooks;
    private bool _isUnderWay;

    /// <summary>As many records were needed at the last count: before there are more, another count is idle.</summary>
    private long _neededRecords;

    /// <summary>How often the whole table was rewritten.</summary>
    public int Passes { get; private set; }

    /// <summary>To be called about once a second, by whoever calls <see cref="KvStoreExecutor.Flush"/>.</summary>
    /// <param name="appliedBytes">Bytes of slots applied since the start.</param>
    public void Look(long appliedBytes)
    {
        _quietLooks = appliedBytes - _appliedBytes < QuietBytes ? _quietLooks + 1 : 0;
        _appliedBytes = appliedBytes;
        if (_quietLooks < QuietLooks || !executor.IsCollected)
        {
            return;
        }

        if (!_isUnderWay)
        {
            if (!IsWorthwhile())
            {
                return;
            }

            // What left the window does so in the store with a flush.
            executor.Flush();
            _isUnderWay = true;
        }

        _isUnderWay = store.CompactPiece(PieceBytes);
        if (!_isUnderWay)
        {
            Passes++;
            _neededRecords = store.CountVersions().Records - executor.VersionsInWindow;
        }
    }

    private bool IsWorthwhile()
    {
        VersionFigures figures = store.CountVersions();
        long outside = figures.Records - executor.VersionsInWindow;
        _neededRecords = Math.Min(_neededRecords, Math.Max(0, outside));
        if (figures.SizeBytes < MinTableBytes || outside - _neededRecords < figures.Records / WorthwhileShare)
        {
            return false;
        }

        // Only now the keys are counted, which looks at each of a small keyspace.
        long superseded = outside - executor.Reader.CountKeys();
        if (superseded >= figures.Records / WorthwhileShare)
        {
            return true;
        }

        _neededRecords = outside;
        return false;
    }
}
