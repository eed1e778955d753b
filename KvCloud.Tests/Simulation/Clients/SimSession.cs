namespace KvCloud.Tests.Simulation;

/// <summary>
/// The session of one client, which several of its calls may use at once; it acknowledges what has ended.
/// </summary>
internal sealed class SimSession
{
    private readonly SortedSet<long> _underWay = [];
    private long _session;
    private long _sequence;

    public bool IsOpen => _session != 0;

    public void Open(long session)
    {
        _session = session;
        _sequence = 0;
        _underWay.Clear();
    }

    public SimIdentity Next()
    {
        _underWay.Add(++_sequence);
        return new SimIdentity(_session, _sequence, _underWay.Min);
    }

    /// <summary>The replicas have forgotten it: another must be opened.</summary>
    public void Expired(SimIdentity identity) => _session = identity.Session == _session ? 0 : _session;

    /// <summary>The call was answered, or is given up.</summary>
    public void Ended(SimIdentity identity)
    {
        if (identity.Session == _session)
        {
            _underWay.Remove(identity.Sequence);
        }
    }
}
