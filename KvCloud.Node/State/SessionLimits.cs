using KvCloud.Node.Operations;

namespace KvCloud.Node.State;

/// <summary>
/// How much <see cref="SessionTable"/> remembers. It must be the same on all replicas, so it is not a setting: only the
/// simulator, all of whose replicas agree, uses values other than <see cref="Default"/>.
/// </summary>
/// <param name="Sessions">Beyond this many, the least recently used session is forgotten.</param>
/// <param name="Answers">Remembered per session.</param>
internal sealed record SessionLimits(int Sessions, int Answers)
{
    public static readonly SessionLimits Default = new(KvLimits.Sessions, KvLimits.SessionAnswers);
}
