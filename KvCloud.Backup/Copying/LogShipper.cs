using System.Globalization;
using KvCloud.Backup.Format;
using KvCloud.Backup.Source;
using KvCloud.Backup.Stores;

namespace KvCloud.Backup.Copying;

/// <summary>
/// Brings the log into the archive: blocks as replicas give them, collected into segments. Blocks come from any
/// replica, for a slot is the same everywhere.
/// </summary>
internal sealed class LogShipper(
    IArchiveStore store, SourceRotation sources, ByteRate rate, BackupProgress progress)
{
    /// <summary>
    /// A replica that has had nothing new for so long may be cut off from the others: another is asked.
    /// </summary>
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(10);

    private readonly List<LogBlock> _pending = [];
    private int _pendingBytes;
    private long _heardMs = Environment.TickCount64;
    private int _trimmed;

    /// <summary>What a replica had applied, where that is not read yet.</summary>
    private (long Slot, long Version) _ahead;

    /// <summary>The slot to be read next; null as long as nobody has said where to begin.</summary>
    public long? Next { get; private set; }

    /// <summary>What the replica had applied at this step; null if it gave no answer.</summary>
    public long? AppliedSlot { get; private set; }

    /// <summary>The last slot that was read of which it is known which version it had reached.</summary>
    public long VersionedSlot { get; private set; }

    /// <summary>The cluster that the archive is of; the log of another is refused.</summary>
    public string? ClusterId { get; set; }

    public void BeginAt(long slot)
    {
        Next = slot;
        _trimmed = 0;
    }

    /// <summary>Waits to be told where to begin again, because what comes next is not to be had.</summary>
    public void Halt() => Next = null;

    /// <summary>Reads one block, and writes a segment if there is enough for one.</summary>
    /// <exception cref="SourceException">The replica does not answer; the next step asks another.</exception>
    /// <exception cref="ArchiveException">The segment cannot be written; the next step tries it again.</exception>
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

    /// <summary>Writes what was read as a segment, if it is that much.</summary>
    /// <exception cref="ArchiveException">It cannot be written, and is kept to be written later.</exception>
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
                $"{sources.Current.Name} is of cluster '{reading.ClusterId}'; {store.Address} is the archive of"
                + $" '{ClusterId}'");
        }

        progress.Applied(reading.AppliedSlot);
        AppliedSlot = reading.AppliedSlot;
        if (reading.Block is not { } block)
        {
            if (Environment.TickCount64 - _heardMs > LongestSilence.TotalMilliseconds)
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
                $"{sources.Current.Name} gave slots {block.FirstSlot}-{block.LastSlot} where {Next} comes next"));
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
    /// Under load a replica's data are ahead of what its log has recorded as chosen, so it seldom tells the version at
    /// the end of a block. What it had applied before is known, and a slot has the same version in every replica.
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

    /// <summary>One that is not reached yet stays: if each reading replaced it, none would ever be.</summary>
    private void NoteAhead(LogReading reading)
    {
        if (_ahead.Slot < Next && reading.AppliedSlot >= Next)
        {
            _ahead = (reading.AppliedSlot, reading.AppliedVersion);
        }
    }
}
