namespace KvCloud.Cli.Bank;

/// <summary>What one run of the bank is to do.</summary>
/// <param name="Accounts">Whose money moves.</param>
/// <param name="Endpoints">Of the cluster.</param>
/// <param name="Clients">How many move money.</param>
/// <param name="Processes">Over how many processes they are spread.</param>
/// <param name="Duration">For how long.</param>
/// <param name="KillLeaderEvery">Null: nobody is killed.</param>
internal sealed record BankRun(
    BankAccounts Accounts, string Endpoints, int Clients, int Processes, TimeSpan Duration, TimeSpan? KillLeaderEvery)
{
    public IEnumerable<int> ClientsByProcess => Enumerable.Range(0, Processes)
        .Select(i => (Clients / Processes) + (i < Clients % Processes ? 1 : 0));
}
