using System.Globalization;
using Microsoft.Extensions.Configuration.EnvironmentVariables;
using Microsoft.Extensions.Configuration.Json;

namespace KvCloud.Node.Configuration;

/// <summary>The options, the origin of each set value, and one sentence per error.</summary>
/// <param name="Origins">By the path of the setting; a setting without an origin has its default.</param>
internal sealed record SettingsResult(
    NodeOptions Options, IReadOnlyDictionary<string, string> Origins, IReadOnlyList<string> Mistakes);

/// <summary>
/// Reads the layers of the configuration from the strongest to the weakest. Unlike the usual binder it takes a list as
/// a whole from one layer (three endpoints from a file and one from the environment do not mix), rejects unknown keys,
/// and reports where an invalid value was set.
/// </summary>
internal sealed class SettingsReader
{
    /// <summary>
    /// A key from the examples of earlier builds, which never read it. The error message says that it can be removed.
    /// </summary>
    private const string RetiredKey = "cluster.leader_discovery_timeout_ms";

    private readonly IReadOnlyList<IConfigurationProvider> _strongestFirst;
    private readonly Dictionary<string, string> _origins = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<string> _mistakes = [];
    private readonly NodeOptions _options = new();

    private SettingsReader(IConfigurationRoot configuration) =>
        _strongestFirst = [.. configuration.Providers.Reverse()];

    public static SettingsResult Read(IConfigurationRoot configuration)
    {
        SettingsReader reader = new(configuration);
        reader.FindUnknownKeys();
        foreach (Setting setting in SettingsCatalog.All)
        {
            if (setting.IsList)
            {
                reader.ReadList(setting);
            }
            else
            {
                reader.ReadValue(setting);
            }
        }

        return new SettingsResult(reader._options, reader._origins, reader._mistakes);
    }

    /// <summary>Where a value of this layer was set, for messages.</summary>
    internal static string Describe(IConfigurationProvider provider, string path) => provider switch
    {
        IDescribedSource described => described.Describe(path),
        EnvironmentVariablesConfigurationProvider =>
            $"environment variable {path.Replace(ConfigurationPath.KeyDelimiter, "__", StringComparison.Ordinal)}",
        JsonConfigurationProvider json => json.Source.Path ?? "a JSON file",
        ChainedConfigurationProvider => "the host's configuration",
        _ => provider.ToString() ?? provider.GetType().Name,
    };

    private void ReadValue(Setting setting)
    {
        foreach (IConfigurationProvider provider in _strongestFirst)
        {
            if (!provider.TryGet(setting.ConfigurationPath, out string? text) || text is null)
            {
                continue;
            }

            string origin = Describe(provider, setting.ConfigurationPath);
            _origins[setting.Path] = origin;
            if (text.Length == 0 && IsOptional(setting))
            {
                return;
            }

            if (setting.TryParse(text, out object? value))
            {
                setting.Set(_options, value);
            }
            else
            {
                string shown = setting.IsSecret ? "not usable" : $"\"{text}\"";
                _mistakes.Add($"{setting.Path} is {shown} ({origin}); it must be {setting.Allowed}.");
            }

            return;
        }
    }

    private void ReadList(Setting setting)
    {
        foreach (IConfigurationProvider provider in _strongestFirst)
        {
            string path = setting.ConfigurationPath;
            bool hasWhole = provider.TryGet(path, out string? whole) && whole is not null;
            string[] indexes = [.. provider.GetChildKeys([], path).Distinct(StringComparer.OrdinalIgnoreCase)];
            if (!hasWhole && indexes.Length == 0)
            {
                continue;
            }

            string origin = Describe(provider, path);
            _origins[setting.Path] = origin;
            string[]? values = indexes.Length > 0
                ? Elements(setting, provider, indexes, origin)
                : whole!.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            if (values is null)
            {
                return;
            }

            if (setting.Bounds is { } bounds && values.Length > bounds.Maximum)
            {
                _mistakes.Add($"{setting.Path} has {values.Length} entries ({origin}); it must be {setting.Allowed}.");
                return;
            }

            if (setting.TryParseList(values, out object? list))
            {
                setting.Set(_options, list);
            }
            else
            {
                string shown = string.Join(", ", values.Select(value => $"\"{value}\""));
                _mistakes.Add($"{setting.Path} has {shown} ({origin}); it must be {setting.Allowed}.");
            }

            return;
        }
    }

    private string[]? Elements(Setting setting, IConfigurationProvider provider, string[] indexes, string origin)
    {
        string?[] values = new string?[indexes.Length];
        foreach (string index in indexes)
        {
            if (int.TryParse(index, NumberStyles.None, CultureInfo.InvariantCulture, out int at) && at < values.Length
                && provider.TryGet(ConfigurationPath.Combine(setting.ConfigurationPath, index), out string? value))
            {
                values[at] = value?.Trim();
            }
        }

        int missing = Array.FindIndex(values, string.IsNullOrEmpty);
        if (missing < 0)
        {
            return values!;
        }

        _mistakes.Add(
            $"{setting.Path} has no entry {missing} ({origin}); entries are numbered from 0 without gaps.");
        return null;
    }

    private static bool IsOptional(Setting setting) => setting.Get(new NodeOptions()) is null;

    private void FindUnknownKeys()
    {
        HashSet<string> told = [];
        foreach (IConfigurationProvider provider in _strongestFirst.Reverse())
        {
            foreach (string path in Leaves(provider, SettingsCatalog.RootSection))
            {
                if (ValidationErrorOf(path) is string error && told.Add(error + Describe(provider, path)))
                {
                    _mistakes.Add($"{error} ({Describe(provider, path)}).");
                }
            }
        }
    }

    private static IEnumerable<string> Leaves(IConfigurationProvider provider, string parent)
    {
        if (parent != SettingsCatalog.RootSection && provider.TryGet(parent, out string? value)
            && value is not null)
        {
            yield return parent;
        }

        foreach (string key in provider.GetChildKeys([], parent).Distinct(StringComparer.OrdinalIgnoreCase))
        {
            foreach (string leaf in Leaves(provider, ConfigurationPath.Combine(parent, key)))
            {
                yield return leaf;
            }
        }
    }

    /// <summary>The error of a key, or null.</summary>
    private static string? ValidationErrorOf(string path)
    {
        string[] keys = path.Split(ConfigurationPath.KeyDelimiter)[1..];
        if (SettingsCatalog.FindByConfigurationPath(path) is not null)
        {
            return null;
        }

        Setting? list = SettingsCatalog.FindByConfigurationPath(ConfigurationPath.GetParentPath(path) ?? "");
        if (list is not null)
        {
            return list.IsList ? null : $"{list.Path} is a single value, not a list";
        }

        string? section = SettingsCatalog.Sections.Select(known => known.Name)
            .FirstOrDefault(known => Plain(known) == Plain(keys[0]));
        if (section is null)
        {
            string name = Setting.SnakeCase(keys[0]);
            string? nearest = NearestName.Of(name, [.. SettingsCatalog.Sections.Select(known => known.Name)]);
            return keys.Length == 1
                ? $"{name} is outside of any section{Hint(NearestKey(name))}"
                : $"section [{name}] is not known{(nearest is null ? "" : $"; did you mean [{nearest}]?")}";
        }

        string key = string.Join('.', keys[1..].Select(Setting.SnakeCase));
        if ($"{section}.{key}" == RetiredKey)
        {
            return $"{RetiredKey} is no longer a setting and never had an effect; remove it";
        }

        string[] siblings = [.. SettingsCatalog.All.Where(known => known.SectionName == section)
            .Select(known => known.Path)];
        return key.Length == 0
            ? $"{section} is a section, not a value"
            : $"{section}.{key} is not known{Hint(NearestName.Of($"{section}.{key}", siblings) ?? NearestKey(key))}";
    }

    private static string Hint(string? nearest) => nearest is null ? "" : $"; did you mean {nearest}?";

    /// <summary>The setting of any section with the most similar key.</summary>
    private static string? NearestKey(string key) =>
        NearestName.Of(key, [.. SettingsCatalog.All.Select(known => known.Key)]) is string nearest
            ? SettingsCatalog.All.First(known => known.Key == nearest).Path
            : null;

    private static string Plain(string name) =>
        name.Replace("_", "", StringComparison.Ordinal).ToLowerInvariant();
}
