using KvCloud.Node.State;

namespace KvCloud.Tests.Simulation;

/// <summary>
/// What the sessions remember, told as plainly as can be: nothing is ever deleted, only out of reach.
/// </summary>
internal sealed class SimSessions(SessionLimits limits)
{
    /// <summary>The one that was used least recently is first.</summary>
    private readonly List<long> _byUse = [];
    private readonly Dictionary<long, long> _forgottenBelow = [];
    private readonly Dictionary<(long Session, long Sequence), SimModel.Outcome> _remembered = [];

    public void Open(long session)
    {
        if (_byUse.Count == limits.Sessions)
        {
            _byUse.RemoveAt(0);
        }

        _byUse.Add(session);
    }

    /// <summary>
    /// False: the session or the answer is forgotten, if there was one. Else what was answered, or null.
    /// </summary>
    public bool TryRecall(SimIdentity identity, out SimModel.Outcome? answer)
    {
        answer = null;
        if (!_byUse.Remove(identity.Session))
        {
            return false;
        }

        _byUse.Add(identity.Session);
        Forget(identity.Session, Math.Min(identity.AcknowledgedBelow, identity.Sequence));
        if (identity.Sequence < _forgottenBelow[identity.Session])
        {
            return false;
        }

        answer = _remembered.TryGetValue((identity.Session, identity.Sequence), out SimModel.Outcome known)
            ? known
            : null;
        return true;
    }

    public void Remember(SimIdentity identity, SimModel.Outcome answer)
    {
        Forget(identity.Session, identity.Sequence - limits.Answers + 1);
        _remembered.Add((identity.Session, identity.Sequence), answer);
    }

    private void Forget(long session, long below) =>
        _forgottenBelow[session] = Math.Max(_forgottenBelow.GetValueOrDefault(session), below);
}
