using KvCloud.Node.Operations;

namespace KvCloud.Tests.Simulation;

/// <summary>
/// Which versions may still be read, told as plainly as can be: all that was ever noted is kept, and looked through.
/// </summary>
internal sealed class SimWindow
{
    private readonly List<(long ClockMs, long Version)> _notes = [];
    private readonly List<long> _oldest = [];
    private long _firstSlot;
    private long _oldestAtFirst;
    private long _loggedMs;
    private long _clockMs;
    private long _owedMs;

    public long Oldest { get; private set; }

    /// <summary>What a store that has applied so many slots, and no more, may still be asked for.</summary>
    public long OldestAt(long slot) => slot == _firstSlot ? _oldestAtFirst : _oldest[(int)(slot - _firstSlot) - 1];

    /// <summary>A new group begins behind this slot, and nothing below this version can be read.</summary>
    public void BeginGroup(long slot, long version)
    {
        Oldest = Math.Max(Oldest, version);
        _firstSlot = slot;
        _oldestAtFirst = Oldest;
        _oldest.Clear();
    }

    /// <summary>A slot is chosen, and <paramref name="newest"/> was the newest version before it.</summary>
    /// <param name="header">Null for a slot without commands, which moves nothing.</param>
    public void Apply(BatchHeader? header, long newest)
    {
        if (header is BatchHeader batch)
        {
            Move(batch, newest);
        }

        _oldest.Add(Oldest);
    }

    private void Move(in BatchHeader batch, long newest)
    {
        long windowMs = batch.Retention.TimeMs;

        // However far the wall clock went, one batch takes no more than an eighth of the window.
        long mostMs = Math.Max(1, windowMs / 8);
        long passedMs = batch.UnixMs - _loggedMs;
        long countedMs = Math.Clamp(passedMs, 0, mostMs);
        long paidMs = Math.Min(countedMs, _owedMs);
        _clockMs += countedMs - paidMs;

        // Who went back may leap forward again: that would be the same two clocks.
        _owedMs = passedMs < -mostMs ? mostMs : _owedMs - paidMs;
        bool isALittleBack = passedMs <= 0 && passedMs >= -mostMs;
        _loggedMs = isALittleBack ? _loggedMs : batch.UnixMs;

        if (_notes.Count == 0 || _clockMs - _notes[^1].ClockMs >= Math.Max(1, windowMs / 64))
        {
            _notes.Add((_clockMs, newest));
        }

        int last = _notes.FindLastIndex(note => note.ClockMs <= _clockMs - windowMs);
        long byTime = last < 0 ? 0 : _notes[last].Version;
        Oldest = Math.Max(Oldest, Math.Max(byTime, newest - batch.Retention.Versions));
    }
}
