using System.CommandLine;
using System.CommandLine.Parsing;
using System.Diagnostics;
using System.Globalization;
using KvCloud.Cli.Bank;
using KvCloud.Client;
using KvCloud.Client.Calls;

namespace KvCloud.Cli.Commands;

/// <summary>
/// `kv bank`: several processes transfer money between accounts while an auditor sums the accounts at one version on
/// every replica. Nodes may be killed during the run, also by this command; the total must not change.
/// </summary>
internal static class BankCommand
{
    private const long OpeningBalance = 1_000;

    private static readonly TimeSpan ReportInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan CatchUpTime = TimeSpan.FromSeconds(30);

    public static Command Create(CommandRunner runner)
    {
        var options = new BankOptions();
        var processes = new Option<int>("--processes")
        {
            Description = "Number of processes that the clients are spread over.",
            DefaultValueFactory = _ => 2,
        };
        var killEvery = new Option<TimeSpan?>("--kill-leader-every")
        {
            Description =
                "Kill the leader's process (SIGKILL) at this interval: 10s. Only for replicas on this machine that "
                + "something restarts, as `kv demo` does.",
            HelpName = "time",
            CustomParser = result => BankOptions.ParseTime(result),
        };
        var command = new Command(
            "bank",
            "Transfer money between accounts below bank/ and check that the total never changes on any replica at any"
            + " version. Exit code 1 if it does.")
        {
            processes,
            killEvery,
        };
        options.AddTo(command);
        runner.Bind(command, async (context, cancellationToken) =>
        {
            var accounts = new BankAccounts(options.CheckedAccounts(context), OpeningBalance);
            int clients = options.CheckedClients(context);
            int count = Math.Clamp(context.Get(processes), 1, clients);
            KvCloudClientSettings settings = context.Settings;
            var run = new BankRun(
                accounts,
                settings.ConnectionString!,
                clients,
                count,
                context.Get(options.Duration),
                context.Get(killEvery))
            {
                Variables = TlsGlobalOptions.Variables(settings),
                Authority = settings.TlsCa,
            };
            return await RunAsync(context, run, cancellationToken);
        });
        return command;
    }

    /// <summary>The command that <see cref="BankProcess"/> starts; hidden from users.</summary>
    public static Command CreateWorker(CommandRunner runner)
    {
        var options = new BankOptions();
        var command = new Command("bank-worker", "A process of kv bank.") { Hidden = true };
        options.AddTo(command);
        runner.Bind(command, async (context, cancellationToken) =>
        {
            using var worker = new BankWorker(
                context.Client, new BankAccounts(options.CheckedAccounts(context), OpeningBalance));
            using var until = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            until.CancelAfter(context.Get(options.Duration));
            Task moving = worker.RunAsync(options.CheckedClients(context), until.Token, cancellationToken);
            while (await Task.WhenAny(moving, Task.Delay(ReportInterval, CancellationToken.None)) != moving)
            {
                await TellAsync(context, worker);
            }

            await moving;
            await TellAsync(context, worker);
            return ExitCode.Ok;
        });
        return command;
    }

    private static async Task TellAsync(CommandContext context, BankWorker worker)
    {
        context.Console.Out.WriteLine(worker.Counters.ToJson());
        await context.Console.Out.FlushAsync();
    }

    private static async Task<int> RunAsync(CommandContext context, BankRun run, CancellationToken cancellationToken)
    {
        KvClusterHealth health = await context.Client.GetClusterHealthAsync(null, cancellationToken);
        if (run.KillLeaderEvery is not null)
        {
            LeaderKiller.Require(health);
        }

        await run.Accounts.OpenAsync(context.Client, cancellationToken);
        string[] replicas = [.. health.Nodes.Select(node => node.Endpoint)];
        var auditor = new BankAuditor(context.Client, run.Accounts, replicas);
        using LeaderKiller? killer = run.KillLeaderEvery is { } every
            ? new LeaderKiller(context.Client, every, run.Authority, context.Console.Error.WriteLine)
            : null;
        using var watching = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        BankProcess[] workers = [.. run.ClientsByProcess.Select(clients => BankProcess.Start(run, clients))];
        try
        {
            long started = Stopwatch.GetTimestamp();
            Task audit = auditor.RunAsync(watching.Token);
            Task kills = killer?.RunAsync(watching.Token) ?? Task.CompletedTask;
            Task<int[]> ends = Task.WhenAll(workers.Select(worker => worker.WaitAsync(cancellationToken)));
            await ReportAsync(context, workers, auditor, ends, started);
            TimeSpan elapsed = Stopwatch.GetElapsedTime(started);
            bool workersWell = (await ends).All(code => code == ExitCode.Ok);
            await watching.CancelAsync();
            await audit;
            await kills;
            bool finalWell = await FinalAuditAsync(context, auditor, replicas, cancellationToken);
            BankCost cost = await BankCost.MeasureAsync(context.Client, run, cancellationToken);
            finalWell &= await FinalAuditAsync(context, auditor, replicas, cancellationToken);
            Summarise(context.Console, run, auditor, replicas, Sum(workers), killer?.Killed, cost, elapsed);
            return workersWell && finalWell && auditor.Finding is null ? ExitCode.Ok : ExitCode.No;
        }
        finally
        {
            foreach (BankProcess worker in workers)
            {
                worker.Dispose();
            }
        }
    }

    private static async Task ReportAsync(
        CommandContext context, BankProcess[] workers, BankAuditor auditor, Task ends, long started)
    {
        while (await Task.WhenAny(ends, Task.Delay(ReportInterval)) != ends)
        {
            BankCounters counters = Sum(workers);
            context.Console.Error.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{Stopwatch.GetElapsedTime(started).TotalSeconds,5:0.0} s  transfers {counters.Transfers}  "
                + $"conflicts {counters.Conflicts}  retries {counters.Retries}  "
                + $"unknown outcomes resolved {counters.UnknownResolved}  sums {auditor.Sums.Sum()}"));
            if (auditor.Finding is { } finding)
            {
                context.Console.WriteError(finding);
            }
        }
    }

    /// <summary>
    /// After the run every replica must show the total, including those that were down in the meantime.
    /// </summary>
    private static async Task<bool> FinalAuditAsync(
        CommandContext context, BankAuditor auditor, string[] replicas, CancellationToken cancellationToken)
    {
        bool well = true;
        long version = await context.Client.GetReadVersionAsync(null, cancellationToken);
        for (int replica = 0; replica < replicas.Length; replica++)
        {
            long started = Stopwatch.GetTimestamp();
            bool right = false;
            while (!right && auditor.Finding is null && Stopwatch.GetElapsedTime(started) < CatchUpTime)
            {
                right = await auditor.AuditAsync(replica, version, cancellationToken);
            }

            if (!right)
            {
                context.Console.WriteError(
                    auditor.Finding ?? $"{replicas[replica]} shows no total at version {version}");
                well = false;
            }
        }

        return well;
    }

    private static void Summarise(
        KvConsole console,
        BankRun run,
        BankAuditor auditor,
        string[] replicas,
        BankCounters counters,
        int? killed,
        BankCost cost,
        TimeSpan elapsed)
    {
        string sums = string.Join(", ", replicas.Select((replica, i) => $"{replica} {auditor.Sums[i]}"));
        string who = $"{run.Accounts.Count} accounts, {run.Clients} clients in {run.Processes} processes";
        double perSecond = counters.Transfers / elapsed.TotalSeconds;
        string costs = string.Create(
            CultureInfo.InvariantCulture,
            $"a transfer {cost.TransferMs:0.00} ms, a single set {cost.SetMs:0.00} ms, each with {run.Clients}"
            + $" clients: {cost.TransferMs / cost.SetMs:0.0} sets");
        string finding = auditor.Finding ?? $"{run.Accounts.Total}, never changed";
        console.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"""
            transfers                  {counters.Transfers} in {elapsed.TotalSeconds:0.0} s ({perSecond:0}/s): {who}
            leaders killed             {(killed is null ? "none by this command" : killed)}
            conflicts                  {counters.Conflicts}
            calls sent anew            {counters.Retries}
            unknown outcomes resolved  {counters.UnknownResolved}
            unknown outcomes left      {counters.UnknownLeft}
            given up                   {counters.GivenUp}
            sums taken                 {auditor.Sums.Sum()} ({sums}), {auditor.Unreachable} replies missing
            cost, nothing killed       {costs}
            total                      {finding}
            """));
    }

    private static BankCounters Sum(BankProcess[] workers) =>
        workers.Aggregate(new BankCounters(), (sum, worker) => sum + worker.Counters);

    /// <summary>Options that parent and workers share.</summary>
    private sealed class BankOptions
    {
        private const int MostAccounts = 4_000;

        private readonly Option<int> _accounts = new("--accounts")
        {
            Description = "Number of accounts.",
            DefaultValueFactory = _ => 100,
        };

        private readonly Option<int> _clients = new("--clients")
        {
            Description = "Number of clients that transfer money.",
            DefaultValueFactory = _ => 16,
        };

        public Option<TimeSpan> Duration { get; } = new("--duration")
        {
            Description = "Length of the run: 60s, 5m.",
            DefaultValueFactory = _ => TimeSpan.FromSeconds(60),
            CustomParser = ParseTime,
        };

        public static TimeSpan ParseTime(ArgumentResult result)
        {
            try
            {
                TimeSpan time = ConnectionStringParser.Time(result.Tokens[0].Value);
                if (time <= TimeSpan.Zero)
                {
                    result.AddError($"'{result.Tokens[0].Value}' must be longer than zero.");
                }

                return time;
            }
            catch (FormatException exception)
            {
                result.AddError(exception.Message + ".");
                return default;
            }
        }

        public void AddTo(Command command)
        {
            command.Add(_accounts);
            command.Add(_clients);
            command.Add(Duration);
        }

        public int CheckedAccounts(CommandContext context) => context.Get(_accounts) is >= 2 and <= MostAccounts
            ? context.Get(_accounts)
            : throw new UsageException($"--accounts must be between 2 and {MostAccounts}");

        public int CheckedClients(CommandContext context) => context.Get(_clients) is >= 1 and <= 10_000
            ? context.Get(_clients)
            : throw new UsageException("--clients must be between 1 and 10000");
    }
}
