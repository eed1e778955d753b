using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using KvCloud.Backup.Stores;

namespace KvCloud.Tests.Backup;

/// <summary>A server that speaks S3, on this machine: s3rver, whose version .ci/run pins.</summary>
internal sealed class S3Server : IAsyncDisposable
{
    public const string Program = "s3rver";
    public const string Bucket = "backups";

    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);

    private readonly string _directory;
    private readonly Process _process;

    private S3Server(Process process, int port, string directory)
    {
        _process = process;
        _directory = directory;
        Endpoint = $"http://127.0.0.1:{port}";
    }

    public string Endpoint { get; }

    /// <summary>As a command line has it.</summary>
    public string Url(string prefix) => $"s3://{Bucket}/{prefix}?endpoint={Uri.EscapeDataString(Endpoint)}";

    public IArchiveStore Open(string prefix) => ArchiveAddress.Open(Url(prefix));

    /// <summary>The variables by which clients of this server are let in.</summary>
    public static IEnumerable<KeyValuePair<string, string?>> Credentials =>
    [
        new("AWS_ACCESS_KEY_ID", "S3RVER"),
        new("AWS_SECRET_ACCESS_KEY", "S3RVER"),
    ];

    public static async Task<S3Server> StartAsync()
    {
        foreach ((string name, string? value) in Credentials)
        {
            Environment.SetEnvironmentVariable(name, value);
        }

        int port = FreePort();
        string directory = Directory.CreateTempSubdirectory("kvcloud-s3-").FullName;
        var start = new ProcessStartInfo(
            Program,
            [
                "--silent", "--address", "127.0.0.1", "--port", port.ToString(CultureInfo), "--directory", directory,
                "--configure-bucket", Bucket,
            ]);

        // It encrypts where a listing goes on with a cipher that OpenSSL has put away.
        start.Environment["NODE_OPTIONS"] = "--openssl-legacy-provider";
        var server = new S3Server(
            Process.Start(start) ?? throw new InvalidOperationException($"{Program} did not start"), port, directory);
        try
        {
            await server.WaitAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private static IFormatProvider CultureInfo => System.Globalization.CultureInfo.InvariantCulture;

    private async Task WaitAsync()
    {
        using var http = new HttpClient();
        long deadline = Environment.TickCount64 + (long)StartTimeout.TotalMilliseconds;
        while (true)
        {
            try
            {
                using HttpResponseMessage answer = await http.GetAsync(new Uri(Endpoint));
                return;
            }
            catch (HttpRequestException) when (Environment.TickCount64 < deadline && !_process.HasExited)
            {
                await Task.Delay(50);
            }
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
