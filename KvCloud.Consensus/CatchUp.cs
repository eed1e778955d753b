namespace KvCloud.Consensus;

/// <summary>
/// Fetches chosen entries that this node missed, one request at a time: first from whoever leads, and from the others
/// in turn when that one does not help.
/// </summary>
internal sealed class CatchUp(Membership members, PaxosConfig config)
{
    /// <summary>How long a small gap may stand: the missing Accept is often only a moment late.</summary>
    private const int PatienceTicks = 2;

    private const long Never = -1;

    private Slot _chosenBefore;
    private long _stuckSince = Never;
    private long _requestedAt = Never;
    private bool _isFetching;
    private int _turn;

    /// <summary>Whom to ask first.</summary>
    public NodeId? Preferred { get; set; }

    /// <summary>
    /// A reign begins: what this node missed it learns by proposing anew, or from this source. How long it was stuck
    /// before does not count, else a new leader would give up before its first slot can be chosen.
    /// </summary>
    public void Restart(NodeId source)
    {
        Preferred = source;
        _stuckSince = Never;
        _requestedAt = Never;
        _turn = 0;
    }

    /// <summary>For how long nothing has been learned although something is missing.</summary>
    public long StuckTicks(long now) => _stuckSince == Never ? 0 : now - _stuckSince;

    /// <summary>The next request to send, if one is due.</summary>
    public CatchUpRequest? Next(Slot chosen, Slot knownChosen, long now)
    {
        if (chosen >= knownChosen || members.IsAlone)
        {
            _stuckSince = Never;
            _requestedAt = Never;
            _isFetching = false;
            _turn = 0;
            return null;
        }

        if (_stuckSince == Never || chosen > _chosenBefore)
        {
            _stuckSince = now;
            _chosenBefore = chosen;
        }

        bool isSmall = knownChosen.Value - chosen.Value <= config.MaxInFlightSlots;
        if (!_isFetching && isSmall && now - _stuckSince < PatienceTicks)
        {
            return null;
        }

        if (_requestedAt != Never)
        {
            if (now - _requestedAt < config.ResendTicks)
            {
                return null;
            }

            _turn++;
        }

        _isFetching = true;
        _requestedAt = now;
        return new CatchUpRequest(members.Self, Source(), chosen.Next);
    }

    /// <summary>An answer came: the next request may go at once, and elsewhere if this one was of no use.</summary>
    public void Answered(bool learned)
    {
        if (_requestedAt == Never)
        {
            return;
        }

        if (learned)
        {
            _requestedAt = Never;
        }
    }

    private NodeId Source() =>
        _turn == 0 && Preferred is NodeId preferred && preferred != members.Self
            ? preferred
            : members.Others[_turn % members.Others.Count];
}
