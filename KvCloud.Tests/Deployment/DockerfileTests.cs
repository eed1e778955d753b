using System.Globalization;

namespace KvCloud.Tests.Deployment;

/// <summary>The Dockerfile makes the image that the .NET SDK makes by the settings of KvCloud.Node.csproj.</summary>
public sealed class DockerfileTests
{
    private static readonly IReadOnlyList<DockerInstruction> Final = Dockerfile.Stages()[^1];

    [Fact]
    public async Task Dockerfile_base_images_are_those_that_the_sdk_takes()
    {
        ImageSettings image = await ImageSettings.ReadAsync();

        Assert.Equal(
            [$"mcr.microsoft.com/dotnet/sdk:{image.FrameworkVersion}", image.BaseImage],
            Dockerfile.Stages().Select(stage => stage[0].Words[0]));
    }

    [Fact]
    public async Task Dockerfile_user_ports_environment_and_program_are_those_of_the_project()
    {
        ImageSettings image = await ImageSettings.ReadAsync();

        Assert.Equal(image.User.ToString(CultureInfo.InvariantCulture), Single("USER").Text);
        Assert.Equal(image.Ports.Select(port => port.ToString(CultureInfo.InvariantCulture)), Single("EXPOSE").Words);
        Assert.Equal(
            image.Environment.Select(variable => $"{variable.Key}={variable.Value}"),
            Single("ENV").Words.Order(StringComparer.InvariantCulture));
        Assert.Equal($"[\"{image.EntryPoint}\"]", Single("ENTRYPOINT").Text);
        Assert.Equal(Path.GetDirectoryName(image.EntryPoint), Single("WORKDIR").Text);
    }

    [Fact]
    public async Task Dockerfile_environment_is_valid_configuration()
    {
        ImageSettings image = await ImageSettings.ReadAsync();
        using var fixture = new Node.Configuration.SettingsFixture();

        Assert.Empty(fixture.Load(environment: image.Environment).Mistakes);
        Assert.All(image.Environment.Keys, name => Assert.True(DocumentedVariables.Knows(name), name));
    }

    private static DockerInstruction Single(string keyword) => Final.Single(item => item.Keyword == keyword);
}
