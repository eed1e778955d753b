using KvCloud.Tests.Node.Diagnostics;
using KvCloud.Tests.RawClients;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Contract;

public sealed class GeneratedCodeTests
{
    [FactNeeds("thrift")]
    public async Task GeneratedCode_in_the_repository_is_what_the_idl_says()
    {
        string fresh = Directory.CreateTempSubdirectory("kvcloud-generated-").FullName;
        try
        {
            await RawClientKit.RunAsync("bash", [Repository.File("eng", "generate-thrift.sh"), fresh]);

            Dictionary<string, string> committed = Read(Repository.File("KvCloud.Protocol", "Generated"));
            Dictionary<string, string> generated = Read(fresh);
            Assert.Equal(generated.Keys.Order(StringComparer.Ordinal), committed.Keys.Order(StringComparer.Ordinal));
            Assert.All(generated, file => Assert.True(
                file.Value == committed[file.Key], $"{file.Key} is stale: run eng/generate-thrift.sh"));
        }
        finally
        {
            Directory.Delete(fresh, recursive: true);
        }
    }

    private static Dictionary<string, string> Read(string folder) =>
        Directory.EnumerateFiles(folder, "*.cs").ToDictionary(file => Path.GetFileName(file), File.ReadAllText);
}
