namespace KvCloud.Tests.Simulation;

/// <summary>
/// What clients were told, and nothing else. Judged without any knowledge of slots or of the log, as an outsider would:
/// what anybody was told, whoever asks afterwards must see.
/// </summary>
internal sealed class SimHistory
{
    private readonly Dictionary<string, long> _newest = [];

    /// <summary>The newest version that any client was told of.</summary>
    public long NewestVersion { get; private set; }

    /// <summary>What an operation that begins now must see at least.</summary>
    public long KnownTo(SimOp op) => op.Kind switch
    {
        SimOpKind.Read => _newest.GetValueOrDefault(op.Keys[0]),
        SimOpKind.GetReadVersion => NewestVersion,
        _ => 0,
    };

    public void WriteEnded(SimOp op, long version)
    {
        foreach (string key in op.Keys)
        {
            Told(key, version);
        }

        NewestVersion = Math.Max(NewestVersion, version);
    }

    public void ReadEnded(SimOp op, in SimReadAnswer answer)
    {
        if (!op.IsLinearizable)
        {
            return;
        }

        // Where there is nothing, the version that deleted it is not told.
        if (answer.Version < op.KnownVersion && (answer.Version > 0 || op.Kind == SimOpKind.GetReadVersion))
        {
            throw new SimFailureException(
                $"{op} on {answer.Node} saw version {answer.Version}; {op.KnownVersion} was told before it began");
        }

        if (op.Kind == SimOpKind.Read)
        {
            Told(op.Keys[0], answer.Version);
        }

        NewestVersion = Math.Max(NewestVersion, answer.Version);
    }

    private void Told(string key, long version) => _newest[key] = Math.Max(_newest.GetValueOrDefault(key), version);
}
