namespace KvCloud.Cli.Bank;

/// <summary>Parameters of one bank run.</summary>
/// <param name="Accounts">The accounts between which money is transferred.</param>
/// <param name="Endpoints">Endpoints of the cluster.</param>
/// <param name="Clients">Number of clients that transfer money.</param>
/// <param name="Processes">Number of processes that the clients are spread over.</param>
/// <param name="Duration">Length of the run.</param>
/// <param name="KillLeaderEvery">Interval between leader kills; null kills nobody.</param>
internal sealed record BankRun(
    BankAccounts Accounts, string Endpoints, int Clients, int Processes, TimeSpan Duration, TimeSpan? KillLeaderEvery)
{
    /// <summary>How its processes speak TLS.</summary>
    public IEnumerable<KeyValuePair<string, string?>> Variables { get; init; } = [];

    /// <summary>The CAs that the replicas' HTTP ports are believed by; null where these do not speak TLS.</summary>
    public string? Authority { get; init; }

    public IEnumerable<int> ClientsByProcess => Enumerable.Range(0, Processes)
        .Select(i => (Clients / Processes) + (i < Clients % Processes ? 1 : 0));
}
