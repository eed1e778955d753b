using System.Buffers.Binary;
using KvCloud.Node.Operations;
using KvCloud.Node.Storage;

namespace KvCloud.Node.State;

/// <summary>
/// Which versions may still be read. It moves by the time and the retention that the leader logged with each batch,
/// never by this node's clock or settings, because whether a commit is VERSION_TOO_OLD must be the same everywhere.
/// </summary>
/// <remarks>
/// <para>Keeps at most about a hundred samples "at this time, this was the newest version", a 64th of the window
/// apart.</para>
/// <para>
/// The time of a batch is a wall clock, which may be a day ahead, be set back, or belong to another leader than the one
/// before. So the window has a clock of its own, which goes on by what passed since the batch before, but by no more
/// than an eighth of the window for one batch: a clock that leaps takes no more than that from what is readable. A
/// time before the last one moves nothing; if it is more than that step behind, the one before was wrong, or this one
/// is, and time is measured from here on. What that next leaps forward by may be the same two clocks again, of leaders
/// that take turns; so a step forward is owed first, or each change of leaders would take an eighth of the window.
/// When nothing is written the leader moves
/// the window by empty batches, as long as that makes a difference.
/// </para>
/// </remarks>
internal sealed class RetentionWindow
{
    /// <summary>One batch moves the window by its length divided by this at most.</summary>
    public const int StepsPerWindow = 8;

    private const int SamplesPerWindow = 64;
    private const byte FormatVersion = 1;
    private const int SampleSizeBytes = 2 * sizeof(long);

    private readonly Queue<Sample> _samples = [];
    private Sample _newest;

    /// <summary>The logged time from which the next batch's is measured.</summary>
    public long LoggedUnixMs { get; private set; }

    /// <summary>After the logged time went back: so much of what passes next does not count.</summary>
    public long OwedMs { get; private set; }

    /// <summary>
    /// The window's own clock. It never goes back, and only differences between its times mean anything.
    /// </summary>
    public long ClockMs { get; private set; }

    public CommitVersion OldestReadable { get; private set; }

    /// <summary>Whether the samples changed since they were last written.</summary>
    public bool IsDirty { get; private set; }

    /// <summary>
    /// Called once a slot, before its commands; <paramref name="newest"/> is the newest version by then.
    /// </summary>
    public void Advance(in BatchHeader header, CommitVersion newest)
    {
        long windowMs = header.Retention.TimeMs;
        AdvanceClock(header.UnixMs, Math.Max(1, windowMs / StepsPerWindow));
        if (_samples.Count == 0 || ClockMs - _newest.ClockMs >= Math.Max(1, windowMs / SamplesPerWindow))
        {
            _newest = new Sample(ClockMs, newest);
            _samples.Enqueue(_newest);
            IsDirty = true;
        }

        long windowStartMs = ClockMs - windowMs;
        while (_samples.TryPeek(out Sample oldest) && oldest.ClockMs <= windowStartMs)
        {
            Raise(oldest.Version);
            _samples.Dequeue();
            IsDirty = true;
        }

        Raise(new CommitVersion(newest.Value - header.Retention.Versions));
    }

    public void Restore(in StateRecord state, ReadOnlySpan<byte> samples)
    {
        if (samples.Length == 0 || samples[0] != FormatVersion || samples.Length % SampleSizeBytes != 1)
        {
            throw new StoreCorruptException("The retention record is not of a format this program knows.");
        }

        OldestReadable = state.OldestReadable;
        LoggedUnixMs = state.LoggedUnixMs;
        ClockMs = state.WindowClockMs;
        OwedMs = state.WindowOwedMs;
        for (int i = 1; i < samples.Length; i += SampleSizeBytes)
        {
            _newest = new Sample(
                BinaryPrimitives.ReadInt64LittleEndian(samples[i..]),
                new CommitVersion(BinaryPrimitives.ReadInt64LittleEndian(samples[(i + sizeof(long))..])));
            _samples.Enqueue(_newest);
        }
    }

    public byte[] TakeRecord()
    {
        IsDirty = false;
        byte[] record = new byte[1 + (_samples.Count * SampleSizeBytes)];
        record[0] = FormatVersion;
        int position = 1;
        foreach (Sample sample in _samples)
        {
            BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(position), sample.ClockMs);
            BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(position + sizeof(long)), sample.Version.Value);
            position += SampleSizeBytes;
        }

        return record;
    }

    private void Raise(CommitVersion version)
    {
        if (version > OldestReadable)
        {
            OldestReadable = version;
        }
    }

    /// <summary>Both times are never negative, so their difference is a number.</summary>
    private void AdvanceClock(long unixMs, long stepMs)
    {
        long passedMs = unixMs - LoggedUnixMs;
        if (passedMs > 0)
        {
            long countedMs = Math.Min(passedMs, stepMs);
            long paidMs = Math.Min(countedMs, OwedMs);
            OwedMs -= paidMs;
            ClockMs += countedMs - paidMs;
            LoggedUnixMs = unixMs;
        }
        else if (passedMs < -stepMs)
        {
            OwedMs = stepMs;
            LoggedUnixMs = unixMs;
        }
    }

    private readonly record struct Sample(long ClockMs, CommitVersion Version);
}
