using KvCloud.Node.Operations;
using KvCloud.Node.Storage;

namespace KvCloud.Node.State;

/// <summary>
/// A read of one range at one version, by the contract's rules for bounds, offsets and limits, in steps: the caller
/// decides after each step whether to continue. One thread at a time.
/// </summary>
/// <remarks>
/// Every visited key counts, whether it becomes a row or not: keys skipped by offsets and deleted keys cost as much as
/// others. At <see cref="KvLimits.RangeVisitedKeys"/> the scan ends, with has_more set if it has a row to continue
/// from.
/// </remarks>
/// <exception cref="VersionTooOldException">The version left the window before the scan was created; leaving it later
/// does not matter.</exception>
internal sealed class RangeScan : IDisposable
{
    private readonly IKvIterator _records;
    private readonly RangeQuery _query;
    private readonly CommitVersion _at;
    private readonly long _visitLimit;
    private readonly int _limitBytes;
    private readonly List<RangeRow> _rows = [];
    private Phase _phase;
    private byte[] _end;
    private int _toPass;
    private bool _hasMore;
    private string? _error;

    public RangeScan(
        IKvStore store,
        Keyspace keyspace,
        in RangeQuery query,
        CommitVersion at,
        long visitLimit = KvLimits.RangeVisitedKeys)
    {
        Keyspace = keyspace;
        _query = query;
        _at = at;
        _visitLimit = visitLimit;
        _limitBytes = query.LimitBytes == 0 ? KvLimits.RangeDefaultSizeBytes
            : Math.Min(query.LimitBytes, KvLimits.RangeMessageSizeBytes);
        _end = query.End is not ReadOnlyMemory<byte> last ? KeyBounds.EndOf(keyspace.Id)
            : query.EndOrEqual ? KeyBounds.After(keyspace.Id, last.Span)
            : KeyBounds.At(keyspace.Id, last.Span);
        _records = store.IterateAt(at);
        Begin();
    }

    private enum Phase
    {
        PassEndForward,
        PassEndBackward,
        ReadRows,
        Done,
    }

    public Keyspace Keyspace { get; }

    /// <summary>Keys visited so far, including deleted ones.</summary>
    public long Visited { get; private set; }

    /// <summary>Size of the rows so far, as counted against the byte limit.</summary>
    public long SizeBytes { get; private set; }

    /// <summary>The result; valid only once <see cref="Advance"/> has returned true.</summary>
    public RangeResult Result => _error is null
        ? new RangeResult(KvStatus.Ok, _rows, _hasMore, _at)
        : new RangeResult(KvStatus.InvalidArgument, [], false, default, _error);

    /// <summary>Null when the query is valid.</summary>
    public static string? Validate(in RangeQuery query)
    {
        if (query.Limit < 0)
        {
            return $"limit must not be negative, but is {query.Limit}";
        }

        if (query.LimitBytes < 0)
        {
            return $"limit_bytes must not be negative, but is {query.LimitBytes}";
        }

        if (query.BeginOffset is < 0 or > KvLimits.RangeMaxOffset)
        {
            return $"begin_offset must be 0 to {KvLimits.RangeMaxOffset}, not {query.BeginOffset};"
                + " begin after the last key of the previous page instead";
        }

        return query.EndOffset is < -KvLimits.RangeMaxOffset or > KvLimits.RangeMaxOffset
            ? $"end_offset must be within {KvLimits.RangeMaxOffset} either way, not {query.EndOffset}"
            : null;
    }

    /// <summary>
    /// Visits at most this many keys, and stops earlier when the rows have reached <paramref name="untilBytes"/>. True
    /// when the scan is complete.
    /// </summary>
    public bool Advance(int keys, long untilBytes = long.MaxValue)
    {
        for (; keys > 0 && _phase != Phase.Done && SizeBytes < untilBytes; keys--)
        {
            if (Visited == _visitLimit)
            {
                StopAtLimit();
                break;
            }

            Visited++;
            Step();
        }

        return _phase == Phase.Done;
    }

    public void Dispose() => _records.Dispose();

    private bool IsValid => _records.IsValid && MvccKey.KeyspaceOf(_records.Key) == Keyspace.Id;

    private bool IsTombstone => VersionedValue.Parse(_records.Value).IsTombstone;

    private void Begin()
    {
        if (_query.EndOffset > 0)
        {
            _records.Seek(_end);
            _toPass = _query.EndOffset - 1;
            _phase = Phase.PassEndForward;
        }
        else if (_query.EndOffset < 0)
        {
            _records.SeekBefore(_end);
            _toPass = -_query.EndOffset - 1;
            _phase = Phase.PassEndBackward;
        }
        else
        {
            BeginRows();
        }
    }

    private void BeginRows()
    {
        _records.Seek(_query.BeginOrEqual
            ? KeyBounds.At(Keyspace.Id, _query.Begin.Span)
            : KeyBounds.After(Keyspace.Id, _query.Begin.Span));
        _toPass = _query.BeginOffset;
        _phase = Phase.ReadRows;
    }

    private void Step()
    {
        switch (_phase)
        {
            case Phase.PassEndForward:
                PassEndForward();
                break;
            case Phase.PassEndBackward:
                PassEndBackward();
                break;
            default:
                ReadRow();
                break;
        }
    }

    private void PassEndForward()
    {
        if (!IsValid)
        {
            _end = KeyBounds.EndOf(Keyspace.Id);
            BeginRows();
        }
        else if (IsTombstone || _toPass-- > 0)
        {
            _records.MoveNext();
        }
        else
        {
            _end = KeyBounds.After(Keyspace.Id, MvccKey.UserKeyOf(_records.Key));
            BeginRows();
        }
    }

    private void PassEndBackward()
    {
        if (!IsValid)
        {
            // No key is left below the end, so there is no row either.
            _phase = Phase.Done;
        }
        else if (IsTombstone || _toPass-- > 0)
        {
            _records.MovePrevious();
        }
        else
        {
            _end = KeyBounds.At(Keyspace.Id, MvccKey.UserKeyOf(_records.Key));
            BeginRows();
        }
    }

    private void ReadRow()
    {
        if (!IsValid || _records.Key.SequenceCompareTo(_end) >= 0)
        {
            _phase = Phase.Done;
            return;
        }

        var value = VersionedValue.Parse(_records.Value);
        if (value.IsTombstone || _toPass-- > 0)
        {
            _records.MoveNext();
            return;
        }

        ReadOnlySpan<byte> key = MvccKey.UserKeyOf(_records.Key);
        long sizeBytes = SizeBytes + key.Length + value.Value.Length + KvLimits.RangeRowOverheadBytes;
        bool isFull = (_query.Limit > 0 && _rows.Count == _query.Limit)
            || (sizeBytes > _limitBytes && _rows.Count > 0);
        if (isFull)
        {
            _hasMore = true;
            _phase = Phase.Done;
            return;
        }

        SizeBytes = sizeBytes;
        _rows.Add(new RangeRow(key.ToArray(), value.Value.ToArray(), value.Version));
        _records.MoveNext();
    }

    private void StopAtLimit()
    {
        _phase = Phase.Done;
        _hasMore = _rows.Count > 0;
        _error = _hasMore
            ? null
            : $"the range visits more than {_visitLimit} keys, the limit of one call, before its first row, deleted"
                + " ones included: begin at a later key, or use smaller offsets";
    }
}
