using System.Numerics;
using KvCloud.Consensus;

namespace KvCloud.Tests.Simulation;

/// <summary>
/// One direction of a connection, as TCP carries it: bytes in order, cut into segments anywhere, each late by a random
/// time, held by the window until they are read and acknowledged. A cut path stalls them, and retransmission brings
/// them after it; a connection that breaks loses what is behind a random byte.
/// </summary>
internal sealed class SimByteStream
{
    private const int InitialBytes = 512;
    private const int FinMark = -1;
    private const int MaxMissingBytes = 8;
    private const int MaxRetransmitUs = 200_000;
    private const int MaxLateRetransmitUs = 1_000_000;

    private readonly SimByteNetwork _network;
    private readonly SimSocket _from;
    private readonly SimSocket _to;
    private readonly Action _onDue;
    private readonly Queue<int> _segments = new();
    private byte[] _ring = new byte[InitialBytes];
    private int _head;
    private int _count;
    private int _arrived;
    private int _unacknowledged;
    private int _stalled;
    private int _mayArrive = int.MaxValue;
    private long _lastDueUs;
    private bool _isBlocked;
    private bool _isCorruptionDue;

    public SimByteStream(SimByteNetwork network, SimSocket from, SimSocket to)
    {
        _network = network;
        _from = from;
        _to = to;
        _onDue = OnDue;
    }

    /// <summary>Bytes that the receiver can read.</summary>
    public int Readable => _arrived;

    /// <summary>A byte was changed or taken out, so the receiver cannot make sense of the rest.</summary>
    public bool IsCorrupted { get; private set; }

    private DeterministicRandom Random => _network.Random;

    /// <summary>Takes as many bytes as the window has room for. The sender hears when there is room again.</summary>
    public int Write(ReadOnlySpan<byte> bytes)
    {
        int count = Math.Min(_network.SendBufferBytes - _count - _unacknowledged, bytes.Length);
        _isBlocked |= count < bytes.Length;
        if (count <= 0)
        {
            return 0;
        }

        int before = _count;
        if (_isCorruptionDue && !_network.IsHealed)
        {
            AppendCorrupted(bytes[..count]);
        }
        else
        {
            Append(bytes[..count]);
        }

        Split(_count - before);
        return count;
    }

    public int Read(Span<byte> target)
    {
        int count = Math.Min(_arrived, target.Length);
        int first = Math.Min(count, _ring.Length - _head);
        _ring.AsSpan(_head, first).CopyTo(target);
        _ring.AsSpan(0, count - first).CopyTo(target[first..]);
        _head = (_head + count) & (_ring.Length - 1);
        _arrived -= count;
        _count -= count;
        if (_network.IsCut(_to.Host, _from.Host))
        {
            _unacknowledged += count;
        }
        else
        {
            MakeRoom();
        }

        return count;
    }

    /// <summary>The sender closes: its end arrives behind all its bytes.</summary>
    public void Finish() => Schedule(FinMark);

    /// <summary>Nothing of what is on the way arrives any more behind a random byte of it.</summary>
    /// <param name="isSenderGone">Nobody is left who would retransmit.</param>
    public void CutOff(bool isSenderGone)
    {
        int onTheWay = isSenderGone && _stalled > 0 ? 0 : _count - _arrived;
        _mayArrive = Math.Min(_mayArrive, Random.Next(onTheWay + 1));
    }

    /// <summary>What was received and not read is gone, as after a reset.</summary>
    public void Discard() => _arrived = 0;

    /// <summary>The bytes written next come out changed.</summary>
    public void Corrupt() => _isCorruptionDue = true;

    /// <summary>Paths were cut or healed.</summary>
    public void PathChanged()
    {
        if (_stalled > 0 && CanPass())
        {
            int untilUs = Random.Next(4) == 0 ? MaxLateRetransmitUs : MaxRetransmitUs;
            _network.After(_network.IsHealed ? Random.Next(MaxRetransmitUs) : Random.Next(untilUs), Retransmit);
        }

        if (_unacknowledged > 0 && !_network.IsCut(_to.Host, _from.Host))
        {
            _unacknowledged = 0;
            MakeRoom();
        }
    }

    private bool CanPass() => !_network.IsCut(_from.Host, _to.Host) && _network.IsPowered(_to.Host);

    private void MakeRoom()
    {
        if (_isBlocked)
        {
            _isBlocked = false;
            _network.After(_network.DrawDelayUs(), _from.Writable);
        }
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        if (_count + bytes.Length > _ring.Length)
        {
            Grow(_count + bytes.Length);
        }

        int tail = (_head + _count) & (_ring.Length - 1);
        int first = Math.Min(bytes.Length, _ring.Length - tail);
        bytes[..first].CopyTo(_ring.AsSpan(tail));
        bytes[first..].CopyTo(_ring);
        _count += bytes.Length;
    }

    private void Grow(int needed)
    {
        byte[] larger = new byte[BitOperations.RoundUpToPowerOf2((uint)needed)];
        int first = Math.Min(_count, _ring.Length - _head);
        _ring.AsSpan(_head, first).CopyTo(larger);
        _ring.AsSpan(0, _count - first).CopyTo(larger.AsSpan(first));
        _ring = larger;
        _head = 0;
    }

    private void AppendCorrupted(ReadOnlySpan<byte> bytes)
    {
        _isCorruptionDue = false;
        IsCorrupted = true;
        byte[] changed = bytes.ToArray();
        int at = Random.Next(changed.Length);
        if (Random.Next(4) == 0)
        {
            // A few bytes are missing, never a whole frame, and what follows closes up to them.
            int missing = 1 + Random.Next(Math.Min(MaxMissingBytes, changed.Length - at));
            Append(changed.AsSpan(0, at));
            Append(changed.AsSpan(at + missing));
            return;
        }

        changed[at] ^= (byte)(1 + Random.Next(255));
        Append(changed);
    }

    private void Split(int length)
    {
        while (length > 0)
        {
            int size = length;
            if (length > 1 && Random.Chance(_network.SplitPerMille))
            {
                size = Random.Next(4) == 0 ? 1 : 1 + Random.Next(length);
            }

            Schedule(size);
            length -= size;
        }
    }

    private void Schedule(int size)
    {
        // A segment that is late holds up those behind it.
        _lastDueUs = Math.Max(_lastDueUs, _network.NowUs + _network.DrawDelayUs());
        _segments.Enqueue(size);
        _network.After(_lastDueUs - _network.NowUs, _onDue);
    }

    private void OnDue()
    {
        if (_stalled > 0 || !CanPass())
        {
            _stalled++;
            return;
        }

        Arrive();
    }

    private void Retransmit()
    {
        while (_stalled > 0 && CanPass())
        {
            _stalled--;
            Arrive();
        }
    }

    private void Arrive()
    {
        int size = _segments.Dequeue();
        if (size == FinMark)
        {
            if (_mayArrive == int.MaxValue)
            {
                _to.Finished();
            }

            return;
        }

        if (_mayArrive != int.MaxValue)
        {
            size = Math.Min(size, _mayArrive);
            _mayArrive -= size;
        }

        if (size == 0)
        {
            return;
        }

        if (!_to.IsConnected)
        {
            _network.ResetLater(_from);
            return;
        }

        _arrived += size;
        _to.Poll();
    }
}
