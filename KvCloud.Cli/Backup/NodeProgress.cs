using System.Text.Json;

namespace KvCloud.Cli.Backup;

/// <summary>The last line of progress that the node's <c>restore</c> subcommand has printed.</summary>
internal sealed class NodeProgress
{
    private volatile string _text = "starting the node's restore";

    public string Text => _text;

    /// <summary>Shows every field under its own name, those that a newer node adds included.</summary>
    public void Hear(JsonElement line) => _text = "restore: " + string.Join(
        ", ", line.EnumerateObject().Select(property => $"{property.Name.Replace('_', ' ')} {property.Value}"));
}
