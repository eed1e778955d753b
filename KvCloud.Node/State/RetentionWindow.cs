using System.Buffers.Binary;
using KvCloud.Node.Operations;
using KvCloud.Node.Storage;

namespace KvCloud.Node.State;

/// <summary>
/// Which versions may still be read. It moves by the time and the retention that the leader logged with each batch,
/// never by this node's clock or settings, because whether a commit is VERSION_TOO_OLD must be the same everywhere.
/// </summary>
/// <remarks>Keeps at most about a hundred samples "at this time, this was the newest version", a 64th of the window apart.</remarks>
internal sealed class RetentionWindow
{
    private const int SamplesPerWindow = 64;
    private const byte FormatVersion = 1;
    private const int SampleSizeBytes = 2 * sizeof(long);

    private readonly Queue<Sample> _samples = [];
    private Sample _newest;

    /// <summary>The latest time that was logged: it never goes back, even when a new leader's clock is behind.</summary>
    public long LoggedUnixMs { get; private set; }

    public CommitVersion OldestReadable { get; private set; }

    /// <summary>Whether the samples changed since they were last written.</summary>
    public bool IsDirty { get; private set; }

    /// <summary>Called once a slot, before its commands; <paramref name="newest"/> is the newest version by then.</summary>
    public void Advance(in BatchHeader header, CommitVersion newest)
    {
        LoggedUnixMs = Math.Max(LoggedUnixMs, header.UnixMs);
        long windowMs = header.Retention.TimeMs;
        if (_samples.Count == 0 || LoggedUnixMs - _newest.UnixMs >= Math.Max(1, windowMs / SamplesPerWindow))
        {
            _newest = new Sample(LoggedUnixMs, newest);
            _samples.Enqueue(_newest);
            IsDirty = true;
        }

        long windowStartMs = LoggedUnixMs - windowMs;
        while (_samples.TryPeek(out Sample oldest) && oldest.UnixMs <= windowStartMs)
        {
            Raise(oldest.Version);
            _samples.Dequeue();
            IsDirty = true;
        }

        Raise(new CommitVersion(newest.Value - header.Retention.Versions));
    }

    public void Restore(CommitVersion oldestReadable, long loggedUnixMs, ReadOnlySpan<byte> samples)
    {
        if (samples.Length == 0 || samples[0] != FormatVersion || samples.Length % SampleSizeBytes != 1)
        {
            throw new StoreCorruptException("The retention record is not of a format this program knows.");
        }

        OldestReadable = oldestReadable;
        LoggedUnixMs = loggedUnixMs;
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
            BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(position), sample.UnixMs);
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

    private readonly record struct Sample(long UnixMs, CommitVersion Version);
}
