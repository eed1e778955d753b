namespace KvCloud.Node.Replication.Fairness;

/// <summary>
/// Whose writes this node has, by name: one that calls this node and others is one caller, whichever of them its writes
/// come by. Thread-safe.
/// </summary>
internal sealed class WriteFlows(IReplicaClock clock)
{
    /// <summary>
    /// How long one is remembered that nobody uses: longer than the <see cref="ContentionTracker"/> does, to which one
    /// that came anew would be another caller.
    /// </summary>
    private const int RememberMs = 2000;

    private const int SweepEveryMs = 1000;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Flow> _flows = new(StringComparer.Ordinal);
    private long _nextSweepMs;

    /// <summary>Callers that have connections or writes here, and those that had some a moment ago.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _flows.Count;
            }
        }
    }

    /// <summary>The caller of that name; <see cref="Return"/> follows.</summary>
    public Flow Rent(string name)
    {
        lock (_gate)
        {
            if (!_flows.TryGetValue(name, out Flow? flow))
            {
                flow = new Flow(name);
                _flows.Add(name, flow);
            }

            flow.Users++;
            return flow;
        }
    }

    /// <summary>
    /// Callers with writes that wait for a slot or for another node's answer; about, as those counts change meanwhile.
    /// </summary>
    public int CountWaiting()
    {
        lock (_gate)
        {
            return _flows.Values.Count(flow => flow.Queued.Count > 0 || flow.Forwarded.Count > 0);
        }
    }

    public void Return(Flow flow)
    {
        lock (_gate)
        {
            if (--flow.Users == 0)
            {
                flow.IdleSinceMs = clock.NowMs;
            }
        }
    }

    /// <summary>Forgets callers that nobody uses any more. To be called often: it works once a second.</summary>
    public void ForgetIdle(long nowMs)
    {
        lock (_gate)
        {
            if (nowMs < _nextSweepMs)
            {
                return;
            }

            _nextSweepMs = nowMs + SweepEveryMs;
            foreach ((string name, Flow flow) in _flows)
            {
                if (flow.Users == 0 && flow.IdleSinceMs < nowMs - RememberMs)
                {
                    _flows.Remove(name);
                }
            }
        }
    }
}
