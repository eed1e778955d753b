namespace KvCloud.Bench.Clusters;

/// <summary>One server of a cluster that is being measured.</summary>
internal interface IBenchMember
{
    string Name { get; }

    int Pid { get; }

    /// <summary>Sends SIGKILL, like a crash.</summary>
    Task KillAsync();

    /// <summary>Throws with the last lines of the log if the server has ended.</summary>
    void ThrowIfNotRunning();
}
