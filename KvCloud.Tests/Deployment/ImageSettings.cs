using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using KvCloud.LocalCluster;
using KvCloud.Tests.Support;
using RepositoryFile = KvCloud.Tests.Support.Repository;

namespace KvCloud.Tests.Deployment;

/// <summary>The image that the .NET SDK would make of KvCloud.Node, as its own targets compute it.</summary>
internal sealed record ImageSettings
{
    private static readonly Lazy<Task<ImageSettings>> Once = new(EvaluateAsync);

    /// <summary>Without the tag.</summary>
    public required string Repository { get; init; }

    public required ImmutableArray<string> Tags { get; init; }

    /// <summary>What the image is built on, with its tag.</summary>
    public required string BaseImage { get; init; }

    /// <summary>Of the target framework, such as 10.0.</summary>
    public required string FrameworkVersion { get; init; }

    public required int User { get; init; }

    public required ImmutableArray<int> Ports { get; init; }

    public required ImmutableSortedDictionary<string, string> Environment { get; init; }

    /// <summary>The program, where the SDK puts it.</summary>
    public required string EntryPoint { get; init; }

    public static Task<ImageSettings> ReadAsync() => Once.Value;

    private static async Task<ImageSettings> EvaluateAsync()
    {
        string text = await ToolRun.OutputAsync(DotNet.Command(
            "msbuild", RepositoryFile.File("KvCloud.Node", "KvCloud.Node.csproj"),
            "-t:ComputeContainerConfig",
            "-getProperty:ContainerRepository,ContainerImageTags,ContainerBaseImage,ContainerUser,"
            + "TargetFrameworkVersion",
            "-getItem:ContainerAppCommand,ContainerPort,ContainerEnvironmentVariable"));
        using var json = JsonDocument.Parse(text);
        JsonElement properties = json.RootElement.GetProperty("Properties");
        JsonElement items = json.RootElement.GetProperty("Items");
        return new ImageSettings
        {
            Repository = Text(properties, "ContainerRepository"),
            Tags = [.. Text(properties, "ContainerImageTags").Split(';')],
            BaseImage = Text(properties, "ContainerBaseImage"),
            FrameworkVersion = Text(properties, "TargetFrameworkVersion").TrimStart('v'),
            User = int.Parse(Text(properties, "ContainerUser"), CultureInfo.InvariantCulture),
            Ports =
            [
                .. items.GetProperty("ContainerPort").EnumerateArray()
                    .Select(port => int.Parse(Text(port, "Identity"), CultureInfo.InvariantCulture)),
            ],
            Environment = items.GetProperty("ContainerEnvironmentVariable").EnumerateArray()
                .ToImmutableSortedDictionary(item => Text(item, "Identity"), item => Text(item, "Value")),
            EntryPoint = Text(items.GetProperty("ContainerAppCommand").EnumerateArray().Single(), "Identity"),
        };
    }

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;
}
