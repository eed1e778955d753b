using KvCloud.Consensus;
using KvCloud.Node.Files;

namespace KvCloud.Node.Replication.Log;

/// <summary>
/// The log in segment files that are written one after the other and recycled once nobody needs their content: one
/// write and one fdatasync for all waiting effects. See docs/adr/0007.
/// </summary>
/// <remarks>
/// A group is synced before the next one is written, and no file gives up its name or its content before whatever makes
/// it obsolete is on disk. Each segment begins with the promise, the chosen slot and the first slot, so older segments
/// can be dropped. It also records the oldest segment that must exist, so that a lost segment is not taken for a
/// dropped one. One thread writes; another may trim; any may read.
/// Over 400 lines: opening, writing and trimming share the state that the groups hold and the lock under which they are
/// written. The list of segments, reading, segments, groups, records and the mark have their own files.
/// </remarks>
internal sealed class SegmentedPaxosLog : IPaxosLog
{
    private readonly IFileSystem _disk;
    private readonly string _path;
    private readonly SegmentedLogOptions _options;
    private readonly SegmentFiles _files;
    private readonly GroupBody _body = new();
    private readonly PageBuffer _pages = new();

    /// <summary>Held while a group is written.</summary>
    private readonly Lock _writing = new();

    private readonly SegmentList _segments = new();
    private readonly SegmentReader _reader;

    /// <summary>The segment being written, which is the last one.</summary>
    private LogSegment? _active;
    private Ballot _promised = Ballot.Zero;
    private long _sequence = 1;
    private long _chosenSlot;
    private long _firstSlot = 1;
    private long _lastSlot;

    /// <summary>The lowest segment that must exist; 0 in a log written before this was recorded.</summary>
    private long _oldestSegment;
    private bool _failed;

    /// <summary>What was found is durable; until then the log records nothing about it.</summary>
    private bool _isLoaded;

    /// <summary>Null until <see cref="Load"/> has found or created it.</summary>
    private LogMark? _mark;

    private SegmentedPaxosLog(IFileSystem disk, string path, SegmentedLogOptions options)
    {
        _disk = disk;
        _path = path;
        _options = options;
        _files = SegmentFiles.Open(disk, path, options);
        _reader = new SegmentReader(path, _segments);
    }

    public Ballot Promised => _promised;

    public Slot ChosenSlot => new(Volatile.Read(ref _chosenSlot));

    public Slot FirstSlot => new(Volatile.Read(ref _firstSlot));

    public Slot LastSlot => new(Math.Max(Volatile.Read(ref _lastSlot), Volatile.Read(ref _firstSlot) - 1));

    private string MarkPath => MarkPathOf(_path);

    /// <summary>
    /// Opens the log in this directory. Everything it reads is durable when it returns, whatever an earlier process
    /// left unfinished.
    /// </summary>
    /// <param name="path">The directory. The <see cref="LogMark"/> lies beside it, with the same name and
    /// <c>.mark</c>.</param>
    /// <param name="mayCreate">Whether to create a log that does not exist; otherwise it counts as lost and is
    /// refused.</param>
    /// <exception cref="LogFailedException">The directory cannot be used, or is in use.</exception>
    /// <exception cref="LogCorruptException">The log is incomplete or damaged, apart from an end that was never
    /// synced.</exception>
    public static SegmentedPaxosLog Open(
        IFileSystem disk, string path, bool mayCreate = true, SegmentedLogOptions? options = null)
    {
        options ??= SegmentedLogOptions.Default;
        options.Check();
        SegmentedPaxosLog? log = null;
        try
        {
            CheckIsThere(disk, path, mayCreate);
            log = new SegmentedPaxosLog(disk, path, options);
            log.Load();
            return log;
        }
        catch (LogCorruptException exception)
        {
            log?.Dispose();
            throw new LogCorruptException(
                $"{exception.Message}. The other replicas rely on what this replica promised in its log, {path}, so"
                + " it must not start with less, and no other replica can tell it: restore what is missing, or put"
                + " another replica in its place: kv member replace.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            log?.Dispose();
            throw new LogFailedException($"The log in {path} cannot be used: {exception.Message}", exception);
        }
        catch
        {
            log?.Dispose();
            throw;
        }
    }

    public void Write(IReadOnlyList<Effects> writes)
    {
        lock (_writing)
        {
            CheckNotFailed();
            _body.Clear();
            Ballot promised = _promised;
            long chosenSlot = _chosenSlot;
            SlotSpan slots = SlotSpan.None;
            foreach (Effects effects in writes)
            {
                if (effects.Promised is Ballot ballot)
                {
                    Invariant.Check(ballot >= promised, $"promises only grow: {ballot} after {promised}");
                    promised = ballot;
                    _body.AddPromise(ballot);
                }

                foreach (LogEntry entry in effects.Append)
                {
                    _body.AddEntry(entry);
                    slots = slots.With(entry.Slot.Value);
                }

                chosenSlot = Math.Max(chosenSlot, effects.ChosenSlot?.Value ?? 0);
            }

            if (chosenSlot != _chosenSlot)
            {
                _body.AddChosen(new Slot(chosenSlot));
            }

            WriteGroup(slots, promised, chosenSlot, _firstSlot, _oldestSegment);
            _promised = promised;
            Volatile.Write(ref _lastSlot, Math.Max(_lastSlot, slots.Max));
            Volatile.Write(ref _chosenSlot, chosenSlot);
        }
    }

    public IReadOnlyList<LogEntry> Read(Slot from, Slot to, int maxBytes) =>
        _reader.Read(Math.Max(from.Value, Volatile.Read(ref _firstSlot)), to.Value, maxBytes);

    /// <summary>Durably records the new first slot, and recycles the files that hold nothing above it.</summary>
    public void TrimBelow(Slot slot)
    {
        if (slot > FirstSlot)
        {
            Forget(slot, Slot.Zero);
        }
    }

    public void SkipTo(Slot chosen)
    {
        if (chosen > ChosenSlot || chosen >= FirstSlot)
        {
            Forget(Slot.Max(FirstSlot, chosen.Next), chosen);
        }
    }

    public Slot FirstSlotWithin(long bytes) => new(_segments.FirstSlotWithin(bytes, FirstSlot.Value));

    public void Mark()
    {
        long segment;
        long sequence;
        Ballot promised;
        lock (_writing)
        {
            CheckNotFailed();
            segment = _active?.Number ?? 0;
            sequence = _sequence - 1;
            promised = _promised;
        }

        Raise(segment, sequence, promised);
    }

    public long SealedBytes => _segments.SealedBytes;

    public int Check(ref LogPlace place) => _reader.Check(ref place);

    public void Dispose()
    {
        if (_isLoaded && !_failed)
        {
            try
            {
                Mark();
            }
            catch (LogFailedException)
            {
                // The mark is only a lower bound: the next start merely cannot check what it does not record.
            }
        }

        _mark?.Dispose();
        _active?.Dispose();
        _files.Dispose();
    }

    private static string MarkPathOf(string path) => path + ".mark";

    private static void CheckIsThere(IFileSystem disk, string path, bool mayCreate)
    {
        bool isMarked = disk.FileExists(MarkPathOf(path));
        if (!isMarked && !mayCreate)
        {
            throw new LogCorruptException(
                $"{MarkPathOf(path)} is missing, although this replica created it together with its log");
        }

        if (isMarked && !disk.DirectoryExists(path))
        {
            throw new LogCorruptException($"{path} is missing, although this replica has created it");
        }
    }

    private void Load()
    {
        _mark = _disk.FileExists(MarkPath) ? LogMark.Open(_disk, MarkPath) : null;
        List<long> numbers = _files.Find(_mark?.Segment ?? 0);
        if (_mark is null && numbers.Count > 0)
        {
            throw new LogCorruptException($"{MarkPath} is missing, although there is a log");
        }

        byte[] content = [];
        _oldestSegment = numbers.Count == 0 ? 1 : 0;
        LoadSegments(numbers, ref content);
        if (numbers.Count > 0 && _oldestSegment > 0 && numbers[0] > _oldestSegment)
        {
            throw new LogCorruptException($"{_files.PathOf(_oldestSegment)} is missing, although it was never trimmed");
        }

        if (_mark is not null)
        {
            CheckReaches(_mark);
        }

        _mark ??= LogMark.Create(_disk, MarkPath);
        _active?.Renew(content);
        _mark.Raise(_active?.Number ?? 0, _sequence - 1, _promised);
        _isLoaded = true;
    }

    private void CheckReaches(LogMark mark)
    {
        if (_sequence - 1 < mark.Sequence || _promised < mark.Promised)
        {
            throw new LogCorruptException(
                $"{_path} ends with write {_sequence - 1} and promise {_promised}, but {MarkPath} knows of write"
                + $" {mark.Sequence} and promise {mark.Promised}: its end is gone, or it is an older log");
        }
    }

    private void LoadSegments(List<long> numbers, ref byte[] content)
    {
        foreach (long number in numbers)
        {
            var segment = LogSegment.Open(_disk, _files.PathOf(number), _pages, number);
            bool isFirst = _active is null;
            _active?.Dispose();
            _active = segment;
            _segments.Add(segment);
            if (!isFirst && segment.FirstSequence != _sequence)
            {
                throw new LogCorruptException(
                    $"{segment.Path} begins with write {segment.FirstSequence} of the log, "
                    + $"but the segments before it end with write {_sequence - 1}");
            }

            _sequence = segment.Scan(ref content, LoadGroup);
            if (_sequence == segment.FirstSequence)
            {
                // The file got its name only once its first group was durable.
                throw new LogCorruptException($"{segment.Path} is damaged: write {_sequence} of the log is not there");
            }
        }
    }

    private SlotSpan LoadGroup(ReadOnlyMemory<byte> group)
    {
        SlotSpan slots = SlotSpan.None;
        ReadOnlySpan<byte> body = group.Span;
        while (body.Length > 0)
        {
            GroupRecord record = GroupBody.TakeRecord(ref body);
            switch (record.Kind)
            {
                case RecordKind.Promise:
                    _promised = record.Ballot;
                    break;
                case RecordKind.Chosen:
                    _chosenSlot = record.Slot.Value;
                    break;
                case RecordKind.First:
                    _firstSlot = record.Slot.Value;
                    break;
                case RecordKind.OldestSegment:
                    _oldestSegment = record.Slot.Value;
                    break;
                default:
                    slots = slots.With(record.Slot.Value);
                    break;
            }
        }

        _lastSlot = Math.Max(_lastSlot, slots.Max);
        return slots;
    }

    /// <summary>
    /// Writes the body as a group. The arguments are the state after it, since a new segment begins with that state.
    /// </summary>
    private void WriteGroup(SlotSpan slots, Ballot promised, long chosenSlot, long firstSlot, long oldestSegment)
    {
        if (_body.Bytes.IsEmpty)
        {
            return;
        }

        _failed = true;
        try
        {
            if (_active is not LogSegment active
                || active.EndBytes + GroupFrame.SizeOf(_body.Bytes.Length) > active.SizeBytes)
            {
                _body.AddPromise(promised);
                _body.AddChosen(new Slot(chosenSlot));
                _body.AddFirst(new Slot(firstSlot));
                _body.AddOldestSegment(oldestSegment);
                BeginSegment((_active?.Number ?? 0) + 1, slots, promised);
            }
            else
            {
                active.Append(_sequence, _body.Bytes);
                _segments.NoteAppended(active, _body.Bytes.Length, slots);
                if (active.EndBytes > _options.SegmentSizeBytes / 2)
                {
                    _files.PrepareSpare();
                }
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new LogFailedException($"Writing the log in {_path} failed: {exception.Message}", exception);
        }

        _sequence++;
        _failed = false;
    }

    private void BeginSegment(long number, SlotSpan slots, Ballot promised)
    {
        var segment = LogSegment.Create(
            _disk, _files.TakeSpare(), _options.SegmentSizeBytes, _pages, number, _sequence, _body.Bytes, slots);
        try
        {
            _files.Name(segment);
        }
        catch
        {
            segment.Dispose();
            throw;
        }

        _segments.Add(segment);
        _active?.Dispose();
        _active = segment;
        _mark!.Raise(number, _sequence, promised);
    }

    private void Raise(long segment, long sequence, Ballot promised)
    {
        try
        {
            _mark!.Raise(segment, sequence, promised);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new LogFailedException($"Writing {MarkPath} failed: {exception.Message}", exception);
        }
    }

    /// <summary>Forgets the slots below, and notes in the same write what is chosen, where that is news.</summary>
    private void Forget(Slot below, Slot chosen)
    {
        lock (_writing)
        {
            CheckNotFailed();
            _body.Clear();
            long chosenSlot = Math.Max(_chosenSlot, chosen.Value);
            if (chosenSlot > _chosenSlot)
            {
                _body.AddChosen(chosen);
            }

            _body.AddFirst(below);
            long oldest = _segments.FindOldestNeeded(below.Value) ?? _active?.Number ?? 1;
            _body.AddOldestSegment(oldest);
            WriteGroup(SlotSpan.None, _promised, chosenSlot, below.Value, oldest);
            Volatile.Write(ref _firstSlot, below.Value);
            Volatile.Write(ref _chosenSlot, chosenSlot);
            Volatile.Write(ref _oldestSegment, oldest);
        }

        foreach (LogSegment segment in _segments.TakeObsolete(Volatile.Read(ref _oldestSegment)))
        {
            try
            {
                _files.Retire(segment);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                throw new LogFailedException($"Trimming the log in {_path} failed: {exception.Message}", exception);
            }
        }
    }

    private void CheckNotFailed()
    {
        if (_failed)
        {
            throw new LogFailedException($"The log in {_path} has failed before: what is on disk is unknown.");
        }
    }
}
