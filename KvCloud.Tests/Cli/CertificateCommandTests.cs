using System.Text;
using System.Text.Json;
using KvCloud.Cli;

namespace KvCloud.Tests.Cli;

public sealed class CertificateCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("kv-cert-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task CertificateCommands_all_files_of_a_cluster_chain_to_its_authority()
    {
        await RunWellAsync("create-ca", "--dir", _folder);
        await RunWellAsync("create-node", "--dir", _folder, "--node", "0", "--host", "localhost,127.0.0.1");
        await RunWellAsync(
            "create-client", "--dir", _folder, "--name", "anna", "--out", Path.Combine(_folder, "anna"));

        string shown = await RunWellAsync(
            "show", In("ca.crt"), In("node_0.crt"), In("anna", "client_anna.crt"), "--ca", In("ca.crt"));

        Assert.Contains("node 0 of cluster kvcloud", shown, StringComparison.Ordinal);
        Assert.Contains("user anna of cluster kvcloud", shown, StringComparison.Ordinal);
        Assert.Contains("kvcloud://kvcloud/nodes/0, localhost, 127.0.0.1", shown, StringComparison.Ordinal);
        Assert.Contains("days left", shown, StringComparison.Ordinal);
        Assert.Equal(3, shown.Split("leads to the CA").Length - 1);
        Assert.Equal(3, shown.Split("key         matches").Length - 1);
        Assert.DoesNotContain("PRIVATE", shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CertificateShowCommand_json_has_an_object_for_each_certificate()
    {
        await RunWellAsync("create-ca", "--dir", _folder);
        await RunWellAsync(
            "create-node", "--dir", _folder, "--node", "4", "--cluster", "Orders", "--host", "a.example");

        string shown = await RunWellAsync("show", In("node_4.crt"), "--json");

        using var json = JsonDocument.Parse(shown);
        Assert.Equal("Orders", json.RootElement.GetProperty("cluster").GetString());
        Assert.Equal(4, json.RootElement.GetProperty("node_id").GetInt32());
        Assert.Equal(364, json.RootElement.GetProperty("days_left").GetInt32());
        Assert.True(json.RootElement.GetProperty("key_matches").GetBoolean());
        Assert.True(json.RootElement.GetProperty("chains_to_ca").GetBoolean());
        Assert.True(json.RootElement.GetProperty("usable").GetBoolean());
    }

    [Fact]
    public async Task CertificateCommands_node_with_other_numbers_names_them_all()
    {
        await RunWellAsync("create-ca", "--dir", _folder);
        await RunWellAsync(
            "create-node", "--dir", _folder, "--node", "1", "--host", "a.example", "--also", "4", "--also", "5");

        string shown = await RunWellAsync("show", In("node_1.crt"));

        Assert.Contains("node 1 of cluster kvcloud", shown, StringComparison.Ordinal);
        Assert.Contains(
            "kvcloud://kvcloud/nodes/1, kvcloud://kvcloud/nodes/4, kvcloud://kvcloud/nodes/5, a.example",
            shown,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task CertificateShowCommand_key_or_authority_of_another_exits_1()
    {
        string other = In("other");
        await RunWellAsync("create-ca", "--dir", _folder);
        await RunWellAsync("create-ca", "--dir", other);
        await RunWellAsync("create-client", "--dir", _folder, "--name", "anna");

        (int ofAnother, string text, _) = await RunAsync(
            "show", In("client_anna.crt"), "--ca", Path.Combine(other, "ca.crt"));
        (int wrongKey, string keyText, _) = await RunAsync("show", In("client_anna.crt"), "--key", In("ca.key"));

        Assert.Equal(1, ofAnother);
        Assert.Contains("does not lead to the CA", text, StringComparison.Ordinal);
        Assert.Equal(1, wrongKey);
        Assert.Contains("is another's", keyText, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CertificateCommands_files_that_are_there_are_kept_without_force()
    {
        await RunWellAsync("create-ca", "--dir", _folder);
        string before = File.ReadAllText(In("ca.key"));

        (int code, _, string error) = await RunAsync("create-ca", "--dir", _folder);
        Assert.Equal(1, code);
        Assert.Contains(In("ca.crt"), error, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllText(In("ca.key")));

        await RunWellAsync("create-ca", "--dir", _folder, "--force");
        Assert.NotEqual(before, File.ReadAllText(In("ca.key")));
    }

    /// <summary>While a CA is replaced, the bundle that is there has to stay.</summary>
    [Fact]
    public async Task CertificateCommands_output_elsewhere_has_the_authority_beside_it_unless_one_is_there()
    {
        string node = In("node-0");
        await RunWellAsync("create-ca", "--dir", _folder);
        string[] create = ["create-node", "--dir", _folder, "--node", "0", "--host", "a", "--out", node, "--force"];

        string first = await RunWellAsync(create);
        Assert.Equal(File.ReadAllText(In("ca.crt")), File.ReadAllText(Path.Combine(node, "ca.crt")));
        Assert.Contains("leads to the CA", await RunWellAsync("show", Path.Combine(node, "node_0.crt")));
        Assert.Contains("ca.crt", first, StringComparison.Ordinal);

        await File.WriteAllTextAsync(Path.Combine(node, "ca.crt"), "bundle");
        string second = await RunWellAsync(create);
        Assert.Equal("bundle", File.ReadAllText(Path.Combine(node, "ca.crt")));
        Assert.DoesNotContain("ca.crt", second, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(node, "ca.key")));
    }

    [Theory]
    [InlineData("create-node --node -1 --host a", 2)]
    [InlineData("create-node --node 1", 2)]
    [InlineData("create-node --node 1 --host a:9090", 2)]
    [InlineData("create-node --node 1 --host a --cluster a/b", 2)]
    [InlineData("create-node --node 1 --host a --also -4", 2)]
    [InlineData("create-client --name a/b", 2)]
    [InlineData("create-client --name a --days 0", 2)]
    [InlineData("create-client --name a --dir /no/such/directory", 1)]
    [InlineData("show /no/such/file", 1)]
    [InlineData("show", 2)]
    [InlineData("show a b --key c", 2)]
    public async Task CertificateCommands_what_is_wrong_is_named(string line, int expected)
    {
        await RunWellAsync("create-ca", "--dir", _folder);
        string[] arguments = line.Split(' ');
        string[] directory = line.Contains("--dir", StringComparison.Ordinal) || arguments[0] == "show"
            ? []
            : ["--dir", _folder];

        (int code, string text, string error) = await RunAsync([.. arguments, .. directory]);

        Assert.Equal(expected, code);
        Assert.StartsWith("kv: ", error, StringComparison.Ordinal);
        Assert.Empty(text);
        Assert.Equal(2, Directory.GetFiles(_folder).Length);
    }

    private static async Task<string> RunWellAsync(params string[] arguments)
    {
        (int code, string text, string error) = await RunAsync(arguments);
        Assert.Empty(error);
        Assert.Equal(0, code);
        return text;
    }

    private static async Task<(int Code, string Text, string Error)> RunAsync(params string[] arguments)
    {
        using var output = new MemoryStream();
        var error = new StringWriter();
        var console = KvConsole.ForStreams(Stream.Null, output, error);
        int code = await KvProgram.RunAsync(["cert", .. arguments], console, CancellationToken.None);
        return (code, Encoding.UTF8.GetString(output.ToArray()), error.ToString());
    }

    private string In(params string[] parts) => Path.Combine([_folder, .. parts]);
}
