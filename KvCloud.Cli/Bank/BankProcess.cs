using System.Diagnostics;
using System.Globalization;

namespace KvCloud.Cli.Bank;

/// <summary>A worker process and the latest counters it reported.</summary>
internal sealed class BankProcess : IDisposable
{
    private readonly Process _process;
    private readonly Task _reading;

    private BankProcess(Process process)
    {
        _process = process;
        _reading = ReadAsync();
    }

    public BankCounters Counters { get; private set; } = new();

    /// <summary>Starts this program again as a worker.</summary>
    /// <param name="run">Who is asked, how, and for how long.</param>
    /// <param name="clients">How many of its clients this one has.</param>
    public static BankProcess Start(BankRun run, int clients)
    {
        string self = Environment.ProcessPath ?? throw new InvalidOperationException(
            "this program does not know its own path");
        bool isHosted = Path.GetFileNameWithoutExtension(self).Equals("dotnet", StringComparison.OrdinalIgnoreCase);
        var start = new ProcessStartInfo(self)
        {
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
        };
        string[] arguments =
        [
            .. isHosted ? [Path.Combine(AppContext.BaseDirectory, "kv.dll")] : Array.Empty<string>(),
            "bank-worker",
            "--endpoints", run.Endpoints,
            "--accounts", run.Accounts.Count.ToString(CultureInfo.InvariantCulture),
            "--clients", clients.ToString(CultureInfo.InvariantCulture),
            "--duration", $"{(long)run.Duration.TotalMilliseconds}ms",
        ];
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach ((string name, string? value) in run.Variables)
        {
            start.Environment[name] = value;
        }

        return new BankProcess(
            Process.Start(start) ?? throw new InvalidOperationException($"'{self}' could not be started"));
    }

    /// <summary>Waits for the process to end and returns its exit code.</summary>
    public async Task<int> WaitAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _process.WaitForExitAsync(cancellationToken);
            await _reading;
            return _process.ExitCode;
        }
        catch (OperationCanceledException)
        {
            _process.Kill();
            await _process.WaitForExitAsync(CancellationToken.None);
            throw;
        }
    }

    public void Dispose() => _process.Dispose();

    private async Task ReadAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            Counters = BankCounters.FromJson(line) ?? Counters;
        }
    }
}
