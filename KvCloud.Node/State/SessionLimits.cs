using KvCloud.Node.Operations;

namespace KvCloud.Node.State;

/// <summary>
/// What <see cref="SessionTable"/> remembers. The same on all replicas, so no setting: only the simulator, whose
/// replicas all have the same, takes others than <see cref="Default"/>.
/// </summary>
/// <param name="Sessions">Beyond that the one that was used least recently is forgotten.</param>
/// <param name="Answers">Of one session.</param>
internal sealed record SessionLimits(int Sessions, int Answers)
{
    public static readonly SessionLimits Default = new(KvLimits.Sessions, KvLimits.SessionAnswers);
}
