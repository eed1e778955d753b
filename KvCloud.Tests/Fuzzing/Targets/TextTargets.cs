using System.Text;
using KvCloud.Client;
using KvCloud.Client.Calls;
using KvCloud.Node.Configuration;

namespace KvCloud.Tests.Fuzzing.Targets;

/// <summary>What people write: settings, connection strings, addresses.</summary>
internal static class TextTargets
{
    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("toml", [Encoding.UTF8.GetBytes(Toml)], ReadToml)
        {
            Words =
            [
                .. Words("[", "]", "[[", "=", "\"", "\"\"\"", "'", "{", "}", "\n", ".", "#", "1e999", "0x", "inf"),
            ],
            BaseBytes = 64 * 1024 * 1024,
            BytesPerByte = 8 * 1024,
            TestInputs = 300,
        },
        new("connection-strings", [Encoding.UTF8.GetBytes(ConnectionString)], ReadConnectionString)
        {
            Words = [.. Words(";", "=", "\"", "Endpoints=", ",", ":", "[::1]", "Timeout=", "00:00:01", "1e9")],
        },
        new("addresses", [.. Words("10.0.0.7:9090", "[::1]:9090", "node-1.kvcloud:80", "localhost")], ReadAddress),
    ];

    private static string ConnectionString =>
        "Endpoints=a:9090,b:9090,[::1]:9090;Timeout=00:00:05;Consistency=leader;ExactlyOnce=true;AuthToken=\"x;y\"";

    private static string Toml => """
        # A node of three.
        [deployment]
        cluster_id = "kvcloud"
        [limits]
        max_connections = 15
        max_message_bytes = 65_536
        [consensus]
        endpoints = ["a:1", 'b:2']
        batch = { a = 1, b.c = 2.5e3 }
        since = 1979-05-27T07:32:00Z
        """;

    private static IEnumerable<byte[]> Words(params string[] words) => words.Select(Encoding.UTF8.GetBytes);

    private static bool ReadToml(byte[] input)
    {
        string path = Path.Combine(Path.GetTempPath(), $"kvcloud-fuzz-{Environment.ProcessId}.toml");
        try
        {
            File.WriteAllBytes(path, input);
            new TomlConfigurationProvider(path, "kvcloud.toml").Load();
            return true;
        }
        catch (TomlFileException)
        {
            return false;
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static bool ReadConnectionString(byte[] input)
    {
        try
        {
            ConnectionStringParser.Apply(
                new KvCloudClientSettings { ConnectionString = Encoding.UTF8.GetString(input) });
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static bool ReadAddress(byte[] input) => HostPort.TryParse(Encoding.UTF8.GetString(input), out _);
}
