using System.Globalization;
using Tomlyn;
using Tomlyn.Model;
using Tomlyn.Parsing;
using Tomlyn.Serialization;

namespace KvCloud.Node.Configuration;

/// <summary>
/// Adds a TOML file to the configuration. The file is read once: settings do not change while the node runs.
/// </summary>
/// <param name="Name">The path as the user wrote it, for messages.</param>
internal sealed record TomlConfigurationSource(string Path, string Name) : IConfigurationSource
{
    public IConfigurationProvider Build(IConfigurationBuilder builder) => new TomlConfigurationProvider(Path, Name);
}

/// <summary>A file that cannot be parsed as TOML. The message is a sentence for the user.</summary>
internal sealed class TomlFileException(string message, Exception inner) : Exception(message, inner);

/// <summary>
/// Turns <c>[consensus] max_batch_size = 8</c> into <c>KvCloud:Consensus:MaxBatchSize = 8</c> and remembers the line of
/// each key. Unknown keys keep their original name, so that the error can quote it.
/// </summary>
internal sealed class TomlConfigurationProvider(string path, string name) : ConfigurationProvider, IDescribedSource
{
    private readonly Dictionary<string, int> _lines = new(StringComparer.OrdinalIgnoreCase);

    public override void Load()
    {
        TomlMetadataStore metadata = new();
        TomlSerializerOptions options = new()
        {
            SourceName = name,
            MetadataStore = metadata,
        };
        try
        {
            string text = File.ReadAllText(path);

            // The strict parser rejects what the table model accepts: keys and tables defined twice.
            SyntaxParser.ParseStrict(text, name, validate: true);
            TomlTable root = TomlSerializer.Deserialize<TomlTable>(text, options) ?? [];
            AddTable(root, [], metadata);
        }
        catch (TomlException exception)
        {
            string where = exception.Line is int line ? $", line {line}" : "";
            throw new TomlFileException($"{name}{where} is not valid TOML: {Reason(exception)}", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new TomlFileException($"{name} cannot be read: {exception.Message}", exception);
        }
    }

    public string Describe(string configurationPath)
    {
        // List elements have no line of their own; use the line of the list.
        string? key = configurationPath;
        while (key is not null && !_lines.ContainsKey(key))
        {
            key = ConfigurationPath.GetParentPath(key);
        }

        return key is null ? name : $"{name}, line {_lines[key].ToString(CultureInfo.InvariantCulture)}";
    }

    private static string Reason(TomlException exception) =>
        exception.Diagnostics.Count > 0 ? exception.Diagnostics[0].Message.Trim() : exception.Message;

    private void AddTable(TomlTable table, string[] parents, TomlMetadataStore metadata)
    {
        metadata.TryGetProperties(table, out TomlPropertiesMetadata? properties);
        foreach ((string key, object? value) in table)
        {
            string[] keys = [.. parents, key];
            string path = PathOf(keys);
            if (properties is not null && properties.TryGetProperty(key, out TomlPropertyMetadata? property)
                && property?.Span is { } span)
            {
                _lines[path] = span.Start.Line + 1;
            }

            if (value is TomlTable inner)
            {
                AddTable(inner, keys, metadata);
            }
            else
            {
                AddValue(path, value);
            }
        }
    }

    private void AddValue(string path, object? value)
    {
        if (value is TomlArray array)
        {
            AddList(path, array);
        }
        else if (value is TomlTableArray)
        {
            Data[path] = "(a list of tables)";
        }
        else
        {
            Data[path] = Text(value);
        }
    }

    private void AddList(string path, TomlArray array)
    {
        // An empty list is a value too: it overrides weaker layers.
        if (array.Count == 0)
        {
            Data[path] = "";
        }

        for (int index = 0; index < array.Count; index++)
        {
            string element = ConfigurationPath.Combine(path, index.ToString(CultureInfo.InvariantCulture));
            Data[element] = array[index] is TomlObject ? "(a table or list)" : Text(array[index]);
        }
    }

    private static string PathOf(string[] keys)
    {
        Setting? setting = keys.Length == 2 ? SettingsCatalog.FindByPath($"{keys[0]}.{keys[1]}") : null;
        return setting?.ConfigurationPath ?? ConfigurationPath.Combine([SettingsCatalog.RootSection, .. keys]);
    }

    private static string Text(object? value) => value switch
    {
        bool flag => flag ? "true" : "false",
        IFormattable formattable => formattable.ToString(null, CultureInfo.InvariantCulture),
        _ => value?.ToString() ?? "",
    };
}
