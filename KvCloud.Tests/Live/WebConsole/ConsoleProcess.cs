using System.Diagnostics;
using System.Text;
using KvCloud.LocalCluster;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Live.WebConsole;

/// <summary>The console as a process of its own, as `dotnet run` starts it.</summary>
internal sealed class ConsoleProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly StringBuilder _printed = new();
    private readonly Task _reading;

    private ConsoleProcess(Process process, Uri address)
    {
        _process = process;
        Address = address;
        _reading = Task.WhenAll(ReadAsync(process.StandardOutput), ReadAsync(process.StandardError));
    }

    public Uri Address { get; }

    public string Printed
    {
        get
        {
            lock (_printed)
            {
                return _printed.ToString();
            }
        }
    }

    public int Id => _process.Id;

    public static async Task<ConsoleProcess> StartAsync(
        IEnumerable<string> endpoints, string tls = "", Dictionary<string, string>? environment = null)
    {
        // Beside its static files, which its own output folder points to.
        string folder = AppContext.BaseDirectory.Replace(
            $"{Path.DirectorySeparatorChar}KvCloud.Tests{Path.DirectorySeparatorChar}",
            $"{Path.DirectorySeparatorChar}KvCloud.Console{Path.DirectorySeparatorChar}",
            StringComparison.Ordinal);
        var address = new Uri($"http://127.0.0.1:{FreePorts.Find(1)[0]}");
        var start = new ProcessStartInfo(DotNet.Host, [Path.Combine(folder, "KvCloud.Console.dll")])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment =
            {
                ["ASPNETCORE_ENVIRONMENT"] = "Development",
                ["ASPNETCORE_URLS"] = address.ToString(),
                ["ConnectionStrings__kv"] = $"Endpoints={string.Join(',', endpoints)}{tls}",
            },
        };
        foreach ((string name, string value) in environment ?? [])
        {
            start.Environment[name] = value;
        }

        Process process = Process.Start(start) ?? throw new InvalidOperationException("the console did not start");
        var console = new ConsoleProcess(process, address);
        await console.WaitUntilItAnswersAsync();
        return console;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await _reading;
        _process.Dispose();
    }

    private async Task WaitUntilItAnswersAsync()
    {
        using var http = new HttpClient();
        long started = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                (await http.GetAsync(new Uri(Address, "/alive"))).EnsureSuccessStatusCode();
                return;
            }
            catch (HttpRequestException) when (
                !_process.HasExited && Stopwatch.GetElapsedTime(started) < StartTimeout)
            {
                await Task.Delay(100);
            }
            catch (HttpRequestException)
            {
                throw new TimeoutException($"the console does not answer. It printed:\n{Printed}");
            }
        }
    }

    private async Task ReadAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            lock (_printed)
            {
                _printed.Append(line).Append('\n');
            }
        }
    }
}
