using System.Text.Json;

namespace KvCloud.Cli.Backup;

/// <summary>The last line of progress that the node's restore has printed.</summary>
internal sealed class NodeProgress
{
    private volatile string _text = "the node starts";

    public string Text => _text;

    /// <summary>Its numbers as they are named there, so that none is left out that a later node tells.</summary>
    public void Hear(JsonElement line) => _text = "restore: " + string.Join(
        ", ", line.EnumerateObject().Select(property => $"{property.Name.Replace('_', ' ')} {property.Value}"));
}
