using System.Globalization;
using KvCloud.Backup.Format;
using KvCloud.Backup.Source;
using KvCloud.Backup.Stores;

namespace KvCloud.Backup.Copying;

/// <summary>
/// Ships the log into the archive: reads blocks from replicas and collects them into segments. Any replica will do,
/// because a chosen slot has the same value on all of them.
/// </summary>
internal sealed class LogShipper(
    IArchiveStore store, SourceRotation sources, ByteRate rate, BackupProgress progress)
{
    /// <summary>
    /// A replica without news for this long may be partitioned from the others: the next one is asked.
    /// </summary>
    private static readonly TimeSpan SilenceTimeout = TimeSpan.FromSeconds(10);

    private readonly List<LogBlock> _pending = [];
    private int _pendingBytes;
    private long _heardMs = Environment.TickCount64;
    private int _trimmed;

    /// <summary>An applied slot that a replica reported before its block was read, and the version there.</summary>
    private (long Slot, long Version) _ahead;

    /// <summary>The next slot to read; null until <see cref="BeginAt"/>.</summary>
    public long? Next { get; private set; }

    /// <summary>The slot that the replica had applied at this step; null if it did not answer.</summary>
    public long? AppliedSlot { get; private set; }

    /// <summary>The last slot read whose commit version is known.</summary>
    public long VersionedSlot { get; private set; }

    /// <summary>The cluster that owns the archive; the log of another is refused.</summary>
    public string? ClusterId { get; set; }

    public void BeginAt(long slot)
    {
        Next = slot;
        _trimmed = 0;
    }

    /// <summary>No replica has the next slot: pauses until <see cref="BeginAt"/>.</summary>
    public void Halt() => Next = null;

    /// <summary>Writes a segment if the pending blocks fill one, then reads one block.</summary>
    /// <exception cref="SourceException">The replica failed; the next step asks another.</exception>
    /// <exception cref="ArchiveException">The segment cannot be written; the next step retries.</exception>
    public async Task<ShipResult> StepAsync(CancellationToken cancellationToken)
    {
        AppliedSlot = null;
        await FlushAsync(LogSegment.TargetBytes, cancellationToken);
        try
        {
            return await TakeAsync(
                await sources.Current.ReadLogAsync(Next!.Value, cancellationToken), cancellationToken);
        }
        catch (SourceException exception) when (exception.Failure == SourceFailure.LogTrimmed)
        {
            sources.MoveOn();
            return ++_trimmed < sources.Count ? ShipResult.More : ShipResult.Gap;
        }
        catch (SourceException)
        {
            sources.MoveOn();
            throw;
        }
    }

    /// <summary>Writes the pending blocks as one segment if they have at least that many bytes.</summary>
    /// <exception cref="ArchiveException">The segment cannot be written; its blocks stay pending.</exception>
    public async Task FlushAsync(int atLeastBytes, CancellationToken cancellationToken)
    {
        if (_pending.Count == 0 || _pendingBytes < atLeastBytes)
        {
            return;
        }

        byte[] content = LogSegment.Encode(_pending, out LogSegmentName name);
        await using (IArchiveUpload upload =
            await store.BeginUploadAsync(name.ObjectName, content.Length, cancellationToken))
        {
            await upload.AppendAsync(content, cancellationToken);
            await upload.CommitAsync(cancellationToken);
        }

        progress.Shipped(name.LastSlot, content.Length);
        _pending.Clear();
        _pendingBytes = 0;
    }

    private async Task<ShipResult> TakeAsync(LogReading reading, CancellationToken cancellationToken)
    {
        if (reading.ClusterId != ClusterId)
        {
            throw new ArchiveException(
                $"{sources.Current.Name} belongs to cluster '{reading.ClusterId}', but {store.Address} is the archive"
                + $" of '{ClusterId}': nothing more is shipped");
        }

        progress.Applied(reading.AppliedSlot);
        AppliedSlot = reading.AppliedSlot;
        if (reading.Block is not { } block)
        {
            if (Environment.TickCount64 - _heardMs > SilenceTimeout.TotalMilliseconds)
            {
                sources.MoveOn();
                _heardMs = Environment.TickCount64;
            }

            if (reading.AppliedSlot == Next - 1)
            {
                VersionedSlot = reading.AppliedSlot;
                if (_pending.Count > 0)
                {
                    _pending[^1] = _pending[^1] with { Version = reading.AppliedVersion };
                }
            }

            NoteAhead(reading);
            return ShipResult.CaughtUp;
        }

        if (block.FirstSlot != Next || block.LastSlot < block.FirstSlot)
        {
            throw new SourceException(SourceFailure.Damaged, string.Create(
                CultureInfo.InvariantCulture,
                $"{sources.Current.Name} sent slots {block.FirstSlot}-{block.LastSlot} where slot {Next} comes next"));
        }

        _pending.Add(WithVersion(block, reading.AppliedSlot));
        _pendingBytes += block.Content.Length;
        Next = block.LastSlot + 1;
        _trimmed = 0;
        _heardMs = Environment.TickCount64;
        NoteAhead(reading);
        await rate.WaitAsync(block.Content.Length, cancellationToken);
        return block.LastSlot < reading.AppliedSlot ? ShipResult.More : ShipResult.CaughtUp;
    }

    /// <summary>
    /// Under load a replica's data store is ahead of what its log has recorded as chosen, so the version at the end of
    /// a block is seldom known. An applied slot that was reported earlier and lies within the block has a known
    /// version, which is the same on every replica.
    /// </summary>
    private LogBlock WithVersion(LogBlock block, long appliedSlot)
    {
        if (block.LastSlot == appliedSlot)
        {
            VersionedSlot = block.LastSlot;
        }
        else if (_ahead.Slot >= block.FirstSlot && _ahead.Slot <= block.LastSlot)
        {
            VersionedSlot = _ahead.Slot;
            return block with { Version = _ahead.Version };
        }

        return block;
    }

    /// <summary>
    /// Remembers an applied slot that is yet to be read, until it is read: if each reading replaced it, none would be
    /// reached.
    /// </summary>
    private void NoteAhead(LogReading reading)
    {
        if (_ahead.Slot < Next && reading.AppliedSlot >= Next)
        {
            _ahead = (reading.AppliedSlot, reading.AppliedVersion);
        }
    }
}
