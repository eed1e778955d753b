namespace KvCloud.Node.Configuration;

/// <summary>
/// The ids of one place in a group: the one that it began with, and those under which it goes on, one after the other,
/// when its disk is lost. None ever returns.
/// </summary>
/// <param name="First">The configured id.</param>
/// <param name="Own">The present one.</param>
/// <param name="Spare">Those that it may take, in order.</param>
internal sealed record ReplacementIds(int First, int Own, IReadOnlyList<int> Spare)
{
    /// <summary>Whether a disk of this place was lost: it has another id than the configured one.</summary>
    public bool IsReplacement => Own != First;

    /// <summary>The ids before the own one, oldest first, whether they were ever taken or not.</summary>
    public IEnumerable<int> Former => Before(Own);

    /// <summary>The ids before another one of this place, oldest first.</summary>
    public IEnumerable<int> Before(int id) =>
        id == First ? [] : Spare.TakeWhile(spare => spare != id).Prepend(First);
}
