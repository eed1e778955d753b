using System.Buffers.Binary;
using KvCloud.Node.Operations;
using KvCloud.Node.Storage;

namespace KvCloud.Node.State;

/// <summary>
/// Which versions may still be read. It advances by the time and the retention that the leader logged with each batch,
/// never by this node's clock or settings, because whether a commit is VERSION_TOO_OLD must be the same everywhere.
/// </summary>
/// <remarks>
/// <para>Keeps at most about a hundred samples (time, newest version at that time), a 64th of the window apart.</para>
/// <para>
/// The time of a batch is a wall clock, which may be a day ahead, be set back, or belong to another leader than that of
/// the previous batch. So the window has its own clock. It advances by the time since the previous batch, but by at
/// most an eighth of the window per batch, so a clock that jumps ahead can expire no more than that. A time before the
/// last one advances nothing. If it is behind by more than that step, one of the two clocks was wrong, and time is
/// measured from here on. When it next jumps ahead, that may be the same two clocks again, of leaders that alternate:
/// so one step forward is owed first, otherwise each change of leader would cost an eighth of the window. When nothing
/// is written, the leader advances the window with empty batches until only the newest version is readable.
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

    /// <summary>The logged time from which the next batch's progress is measured.</summary>
    public long LoggedUnixMs { get; private set; }

    /// <summary>After the logged time went back: this much of the following progress does not count.</summary>
    public long OwedMs { get; private set; }

    /// <summary>
    /// The window's own clock. It never goes back, and only differences between its times are meaningful.
    /// </summary>
    public long ClockMs { get; private set; }

    public CommitVersion OldestReadable { get; private set; }

    /// <summary>Whether the samples have changed since they were last written.</summary>
    public bool IsDirty { get; private set; }

    /// <summary>
    /// Called once per slot, before its commands; <paramref name="newest"/> is the newest version at that point.
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

    /// <summary>Only this version and later ones can be read from here on.</summary>
    public void Restart(CommitVersion oldest)
    {
        Raise(oldest);
        IsDirty = true;
    }

    public void Restore(in StateRecord state, ReadOnlySpan<byte> samples)
    {
        UnknownFormatException.ThrowIfNewer("retention record", samples, FormatVersion);
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

    /// <summary>Neither time is negative, so their difference cannot overflow.</summary>
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
