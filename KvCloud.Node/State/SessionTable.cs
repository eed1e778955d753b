using System.Buffers.Binary;
using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Storage;

namespace KvCloud.Node.State;

/// <summary>What the session table knows of a request.</summary>
internal enum RequestMemory
{
    /// <summary>Never answered: run it, then <see cref="SessionTable.Remember"/>.</summary>
    New = 0,

    /// <summary>Answered before; the answer is at hand.</summary>
    Answered = 1,

    /// <summary>
    /// The session or the answer has been forgotten: whether the request ran is unknown, so it must not run.
    /// </summary>
    Forgotten = 2,

    /// <summary>The sequence was used for a different request.</summary>
    Reused = 3,
}

/// <summary>
/// Makes a retry run once: remembers the answers of every session, in the store with the data, so that this holds on
/// every replica and after every restart. Bounded in answers and in sessions; which session is forgotten first follows
/// from the log alone.
/// </summary>
/// <remarks>
/// Keys: <c>'s' session(8)</c> → format(1) last use(8) floor(8), and <c>'a' session(8) sequence(8)</c> → the answer.
/// Heads of sessions are held in memory (at most 10,000 of some 250 bytes); answers are read when asked for.
/// </remarks>
internal sealed class SessionTable(IKvStore store, SessionLimits limits)
{
    private const byte SessionPrefix = (byte)'s';
    private const byte AnswerPrefix = (byte)'a';
    private const byte FormatVersion = 1;
    private const int SessionKeySize = 1 + sizeof(long);
    private const int AnswerKeySize = 1 + (2 * sizeof(long));

    private readonly Dictionary<long, Session> _byId = [];

    /// <summary>The least recently used session is first.</summary>
    private readonly LinkedList<Session> _byUse = [];
    private readonly List<Session> _dirty = [];

    /// <summary>Answers of the current batch, which are not in the store yet. Looked up, never iterated.</summary>
    private readonly Dictionary<(long Session, long Sequence), RememberedAnswer> _pending = [];

    /// <summary>Total number of uses of all sessions.</summary>
    public long Uses { get; private set; }

    public int Count => _byId.Count;

    public void Load(long uses)
    {
        Uses = uses;
        var loaded = new List<Session>();
        using (IKvIterator records = store.Iterate(KvTable.Sessions))
        {
            records.Seek([SessionPrefix]);
            for (; records.IsValid && records.Key[0] == SessionPrefix; records.MoveNext())
            {
                loaded.Add(ReadSession(records.Key, records.Value));
            }
        }

        foreach (Session session in loaded.OrderBy(session => session.LastUse))
        {
            _byId.Add(session.Id, session);
            session.Node = _byUse.AddLast(session);
        }

        LoadAnswers();
    }

    public void Open(IKvBatch batch, long sessionId)
    {
        if (_byId.Count >= limits.Sessions)
        {
            Evict(batch, _byUse.First!.Value);
        }

        var session = new Session(sessionId, limits.Answers);
        _byId.Add(sessionId, session);
        session.Node = _byUse.AddLast(session);
        Touch(session);
    }

    /// <summary>
    /// Looks up a request. Also records what the client acknowledges, and that the session is in use.
    /// </summary>
    public RequestMemory Recall(
        IKvBatch batch, in RequestIdentity identity, ulong contentHash, out RememberedAnswer answer)
    {
        answer = default;
        if (!_byId.TryGetValue(identity.ClientId, out Session? session))
        {
            return RequestMemory.Forgotten;
        }

        Touch(session);
        long sequence = identity.Sequence;
        RaiseFloor(batch, session, Math.Min(identity.AcknowledgedBelow, sequence));
        if (sequence < session.Floor)
        {
            return RequestMemory.Forgotten;
        }

        if (!session.IsAnswered(sequence))
        {
            return RequestMemory.New;
        }

        answer = ReadAnswer(identity.ClientId, sequence);
        return answer.ContentHash == contentHash ? RequestMemory.Answered : RequestMemory.Reused;
    }

    /// <summary>Remembers the answer to a request for which <see cref="Recall"/> just said New.</summary>
    public void Remember(IKvBatch batch, in RequestIdentity identity, in RememberedAnswer answer)
    {
        Session session = _byId[identity.ClientId];
        RaiseFloor(batch, session, identity.Sequence - limits.Answers + 1);
        session.MarkAnswered(identity.Sequence);
        _pending[(identity.ClientId, identity.Sequence)] = answer;
        Span<byte> key = stackalloc byte[AnswerKeySize];
        batch.Put(KvTable.Sessions, AnswerKey(key, identity.ClientId, identity.Sequence), answer.Encode());
    }

    /// <summary>Adds the heads of all changed sessions, which completes the batch.</summary>
    public void Complete(IKvBatch batch)
    {
        Span<byte> key = stackalloc byte[SessionKeySize];
        Span<byte> record = stackalloc byte[1 + (2 * sizeof(long))];
        foreach (Session session in _dirty)
        {
            if (!session.IsDirty)
            {
                // The session was evicted after its use in this batch.
                continue;
            }

            session.IsDirty = false;
            record[0] = FormatVersion;
            BinaryPrimitives.WriteInt64LittleEndian(record[1..], session.LastUse);
            BinaryPrimitives.WriteInt64LittleEndian(record[9..], session.Floor);
            batch.Put(KvTable.Sessions, SessionKey(key, session.Id), record);
        }

        _dirty.Clear();
        _pending.Clear();
    }

    private void Touch(Session session)
    {
        session.LastUse = ++Uses;
        _byUse.Remove(session.Node!);
        _byUse.AddLast(session.Node!);
        if (!session.IsDirty)
        {
            session.IsDirty = true;
            _dirty.Add(session);
        }
    }

    private void Evict(IKvBatch batch, Session session)
    {
        RaiseFloor(batch, session, session.Floor + limits.Answers);
        session.IsDirty = false;
        _byUse.Remove(session.Node!);
        _byId.Remove(session.Id);
        Span<byte> key = stackalloc byte[SessionKeySize];
        batch.Delete(KvTable.Sessions, SessionKey(key, session.Id));
    }

    /// <summary>Forgets everything below <paramref name="floor"/>.</summary>
    private void RaiseFloor(IKvBatch batch, Session session, long floor)
    {
        long end = Math.Min(floor, session.Floor + limits.Answers);
        while (session.Floor < end)
        {
            long sequence = session.Floor;
            if (session.ForgetLowest())
            {
                DeleteAnswer(batch, session.Id, sequence);
            }
        }

        session.SkipTo(floor);
    }

    private void DeleteAnswer(IKvBatch batch, long sessionId, long sequence)
    {
        _pending.Remove((sessionId, sequence));
        Span<byte> key = stackalloc byte[AnswerKeySize];
        batch.DeleteSingle(KvTable.Sessions, AnswerKey(key, sessionId, sequence));
    }

    private RememberedAnswer ReadAnswer(long sessionId, long sequence)
    {
        if (_pending.TryGetValue((sessionId, sequence), out RememberedAnswer answer))
        {
            return answer;
        }

        Span<byte> key = stackalloc byte[AnswerKeySize];
        var buffer = new ValueBuffer(stackalloc byte[512]);
        bool found = store.TryGet(KvTable.Sessions, AnswerKey(key, sessionId, sequence), ref buffer);
        Invariant.Check(found, "an answered request has its answer in the store");
        answer = RememberedAnswer.Decode(buffer.Value);
        buffer.Dispose();
        return answer;
    }

    private void LoadAnswers()
    {
        using IKvIterator answers = store.Iterate(KvTable.Sessions);
        answers.Seek([AnswerPrefix]);
        for (; answers.IsValid && answers.Key[0] == AnswerPrefix; answers.MoveNext())
        {
            long sessionId = BinaryPrimitives.ReadInt64BigEndian(answers.Key[1..]);
            long sequence = BinaryPrimitives.ReadInt64BigEndian(answers.Key[9..]);
            Session? session = _byId.GetValueOrDefault(sessionId);
            Invariant.Check(
                session is not null && sequence >= session.Floor
                    && sequence < session.Floor + limits.Answers,
                "every answer in the store is in its session's window");
            session.MarkAnswered(sequence);
        }
    }

    private Session ReadSession(ReadOnlySpan<byte> key, ReadOnlySpan<byte> record)
    {
        UnknownFormatException.ThrowIfNewer("session record", record, FormatVersion);
        if (key.Length != SessionKeySize || record.Length != 1 + (2 * sizeof(long)) || record[0] != FormatVersion)
        {
            throw new StoreCorruptException("A session record is not of a format this program knows.");
        }

        var session = new Session(BinaryPrimitives.ReadInt64BigEndian(key[1..]), limits.Answers);
        session.Restore(
            floor: BinaryPrimitives.ReadInt64LittleEndian(record[9..]),
            lastUse: BinaryPrimitives.ReadInt64LittleEndian(record[1..]));
        return session;
    }

    private static Span<byte> SessionKey(Span<byte> destination, long sessionId)
    {
        destination[0] = SessionPrefix;
        BinaryPrimitives.WriteInt64BigEndian(destination[1..], sessionId);
        return destination[..SessionKeySize];
    }

    private static Span<byte> AnswerKey(Span<byte> destination, long sessionId, long sequence)
    {
        destination[0] = AnswerPrefix;
        BinaryPrimitives.WriteInt64BigEndian(destination[1..], sessionId);
        BinaryPrimitives.WriteInt64BigEndian(destination[9..], sequence);
        return destination[..AnswerKeySize];
    }
}
