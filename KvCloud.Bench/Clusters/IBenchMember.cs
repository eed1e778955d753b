namespace KvCloud.Bench.Clusters;

/// <summary>One server of a cluster under measure.</summary>
internal interface IBenchMember
{
    string Name { get; }

    int Pid { get; }

    /// <summary>SIGKILL: what a crash is.</summary>
    Task KillAsync();

    /// <summary>Throws with the last lines of the log if the server has ended.</summary>
    void DemandRunning();
}
