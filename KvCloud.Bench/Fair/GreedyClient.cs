using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using KvCloud.Bench.Load;
using KvCloud.LocalCluster;

namespace KvCloud.Bench.Fair;

/// <summary>What the greedy client got.</summary>
/// <param name="Throughput">Calls per second while the modest ones were measured, refused ones included.</param>
/// <param name="Errors">Calls that were refused or failed.</param>
internal sealed record GreedyResult(double Throughput, long Errors);

/// <summary>
/// The greedy client: a process of its own at the lowest priority, as though it were on another machine. In the process
/// of the others, and at their priority, it would be the reading of its answers that they wait for.
/// </summary>
internal sealed class GreedyClient : IDisposable
{
    private const int Niceness = 19;

    private readonly string _report = Path.GetTempFileName();
    private readonly Process _process;
    private readonly TaskCompletionSource _calling = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<string> _said = [];

    /// <summary>Calls of each second, and when they were said.</summary>
    private readonly List<(long Timestamp, long Calls)> _seconds = [];

    /// <param name="load">Runs for its duration, which begins once it has connected.</param>
    public GreedyClient(LoadOptions load)
    {
        var info = new ProcessStartInfo { RedirectStandardError = true, RedirectStandardOutput = true };
        List<string> command = [ChildProgram.DotNet, typeof(GreedyClient).Assembly.Location, .. Arguments(load)];
        if (OperatingSystem.IsLinux())
        {
            command.InsertRange(0, ["nice", "-n", Niceness.ToString(CultureInfo.InvariantCulture)]);
        }

        info.FileName = command[0];
        command[1..].ForEach(info.ArgumentList.Add);
        try
        {
            _process = Process.Start(info) ?? throw new BenchException("the greedy client did not start");
        }
        catch (Win32Exception failure)
        {
            throw new BenchException($"the greedy client could not be started: {failure.Message}", failure);
        }

        _process.ErrorDataReceived += (_, line) => Heard(line.Data);
        _process.OutputDataReceived += (_, line) => Heard(line.Data);
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
    }

    /// <summary>Completes once it has made calls for a second.</summary>
    public async Task CallsAsync(CancellationToken cancellationToken)
    {
        Task ended = _process.WaitForExitAsync(cancellationToken);
        if (await Task.WhenAny(_calling.Task, ended).ConfigureAwait(false) == ended)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw Failed();
        }
    }

    /// <param name="from">A <see cref="Stopwatch"/> timestamp from which on its calls count.</param>
    /// <param name="to">Up to when they do.</param>
    public async Task<GreedyResult> EndsAsync(long from, long to, CancellationToken cancellationToken)
    {
        await _process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
        string report = await File.ReadAllTextAsync(_report, cancellationToken).ConfigureAwait(false);
        if (report.Length == 0)
        {
            throw Failed();
        }

        using var result = JsonDocument.Parse(report);
        return new GreedyResult(CallsPerSecond(from, to), result.RootElement.GetProperty("errors").GetInt64());
    }

    private double CallsPerSecond(long from, long to)
    {
        lock (_said)
        {
            // What is said within a second after the begin is in part of the time before.
            return _seconds
                .Where(second => second.Timestamp >= from + Stopwatch.Frequency && second.Timestamp <= to)
                .Select(second => (double)second.Calls)
                .DefaultIfEmpty()
                .Average();
        }
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
        File.Delete(_report);
    }

    private IEnumerable<string> Arguments(LoadOptions load) =>
    [
        "run",
        "--endpoints", string.Join(',', load.Endpoints),
        "--mix", load.Mix.Text,
        "--target", load.Target.ToString(),
        "--keys", Text(load.Keys),
        "--connections", Text(load.Connections),
        "--in-flight", Text(load.InFlight),
        "--key-size", Text(load.KeySizeBytes),
        "--value-size", Text(load.ValueSizeBytes),
        "--range-limit", Text(load.RangeLimit),
        "--seed", Text((long)load.Seed),
        "--warmup", "0",
        "--duration", load.Duration.TotalSeconds.ToString(CultureInfo.InvariantCulture),
        "--source", string.Join(',', load.SourceAddresses),
        "--pids", "none",
        "--json", _report,
    ];

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private void Heard(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_said)
        {
            _said.Add(line);
            if (CallsOf(line) is not { } calls)
            {
                return;
            }

            _seconds.Add((Stopwatch.GetTimestamp(), calls));
        }

        _calling.TrySetResult();
    }

    /// <summary>Of <c>3 s  71538 calls/s</c>; null where it says something else.</summary>
    private static long? CallsOf(string line)
    {
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return Array.IndexOf(words, "calls/s") is > 0 and var unit
            ? long.Parse(words[unit - 1], CultureInfo.InvariantCulture)
            : null;
    }

    private BenchException Failed()
    {
        lock (_said)
        {
            return new BenchException(
                $"the greedy client ended with code {_process.ExitCode}:\n{string.Join('\n', _said.TakeLast(10))}");
        }
    }
}
