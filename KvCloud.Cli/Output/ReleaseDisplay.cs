using System.Globalization;
using System.Text.Json;
using KvCloud.Client;

namespace KvCloud.Cli.Output;

/// <summary>What the program of a replica can do, as columns and as JSON.</summary>
internal static class ReleaseDisplay
{
    private const string Unknown = "-";

    public static IReadOnlyList<string> Headings { get; } = ["release", "wire", "feature level"];

    /// <summary>Below <see cref="Headings"/>: the level as "1 of 2" where the program knows more.</summary>
    public static IEnumerable<string> Cells(KvNodeStatus node)
    {
        yield return node.SoftwareVersion ?? Unknown;
        yield return node.MinWireVersion is int min && node.MaxWireVersion is int max
            ? string.Create(CultureInfo.InvariantCulture, $"{min}-{max}")
            : Unknown;
        yield return node.SupportedFeatureLevel is int supported && supported != node.FeatureLevel
            ? string.Create(CultureInfo.InvariantCulture, $"{Text(node.FeatureLevel)} of {supported}")
            : Text(node.FeatureLevel);
    }

    public static void Write(Utf8JsonWriter writer, KvNodeStatus node)
    {
        writer.WriteString("release", node.SoftwareVersion);
        Number(writer, "min_wire_version", node.MinWireVersion);
        Number(writer, "max_wire_version", node.MaxWireVersion);
        Number(writer, "supported_feature_level", node.SupportedFeatureLevel);
        Number(writer, "feature_level", node.FeatureLevel);
    }

    /// <summary>Left out where it is null.</summary>
    public static void Number(Utf8JsonWriter writer, string name, long? number)
    {
        if (number is { } given)
        {
            writer.WriteNumber(name, given);
        }
    }

    private static string Text(long? number) => number?.ToString(CultureInfo.InvariantCulture) ?? Unknown;
}
