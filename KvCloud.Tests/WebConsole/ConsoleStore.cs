using System.Globalization;
using System.Text;
using KvCloud.Client;
using KvCloud.Tests.Node.Rpc;
using KvCloud.WebConsole;
using KvCloud.WebConsole.Data;
using KvCloud.WebConsole.Sessions;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Options;

namespace KvCloud.Tests.WebConsole;

/// <summary>A replica in this process, and what pages read and write it with.</summary>
internal sealed class ConsoleStore : IAsyncDisposable
{
    private readonly ServiceHost _host;

    private ConsoleStore(ServiceHost host, string environment)
    {
        _host = host;
        Client = new KvCloudClient($"Endpoints=127.0.0.1:{host.Port}");
        Writes = new WriteLock(
            Options.Create(new ConsoleOptions { AllowWrites = true }),
            new HostingEnvironment { EnvironmentName = environment },
            TimeProvider.System);
        Browser = new KeyBrowser(Client, Writes);
    }

    public KvCloudClient Client { get; }

    public WriteLock Writes { get; }

    public KeyBrowser Browser { get; }

    public static async Task<ConsoleStore> StartAsync(string environment = "Development") =>
        new(await ServiceHost.StartAsync(), environment);

    public async Task FillAsync(string prefix, int keys)
    {
        foreach (int[] chunk in Enumerable.Range(0, keys).Chunk(100))
        {
            await Task.WhenAll(chunk.Select(index => Client.SetAsync(
                Encoding.UTF8.GetBytes(prefix + index.ToString("D5", CultureInfo.InvariantCulture)), "v"u8.ToArray())
                .AsTask()));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        await _host.DisposeAsync();
    }
}
