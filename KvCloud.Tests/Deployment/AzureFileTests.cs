using KvCloud.Tests.Support;
using YamlDotNet.RepresentationModel;

namespace KvCloud.Tests.Deployment;

/// <summary>azure.yaml: what azd reads to find the AppHost.</summary>
public sealed class AzureFileTests
{
    [Fact]
    public void AzureFile_service_is_the_app_host_of_this_repository()
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(File.ReadAllText(Repository.File("azure.yaml"))));
        var root = (YamlMappingNode)stream.Documents.Single().RootNode;
        var service = (YamlMappingNode)((YamlMappingNode)root["services"]).Children.Single().Value;

        Assert.Equal(["name", "services"], root.Children.Keys.Select(key => key.ToString()));
        Assert.Equal(["host", "language", "project"], service.Children.Keys.Select(key => key.ToString()).Order());
        Assert.Equal(("containerapp", "dotnet"), (service["host"].ToString(), service["language"].ToString()));
        string project = Path.GetFullPath(Repository.File(service["project"].ToString()));
        Assert.Contains("Aspire.AppHost.Sdk", File.ReadAllText(project), StringComparison.Ordinal);
    }
}
