using System.Collections.Frozen;
using System.Reflection;
using System.Text;

namespace KvCloud.Node.Configuration;

/// <summary>
/// All settings, read once from the records of <see cref="NodeOptions"/>. Binding, validation, the list of effective
/// values, the reference page and the example file all use this catalog, so none of them can miss a key.
/// </summary>
internal static class SettingsCatalog
{
    /// <summary>The Microsoft.Extensions.Configuration section that contains all keys.</summary>
    public const string RootSection = "KvCloud";

    private static readonly NodeOptions Defaults = new();

    /// <summary>Name and description of each TOML table, in the order of the records.</summary>
    public static IReadOnlyList<(string Name, string About)> Sections { get; } =
        [.. SectionProperties().Select(section =>
            (Setting.SnakeCase(section.Name), section.GetCustomAttribute<AboutAttribute>()!.Text))];

    public static IReadOnlyList<Setting> All { get; } =
        [.. SectionProperties().SelectMany(section =>
            section.PropertyType.GetProperties(BindingFlags.Public | BindingFlags.Instance)
                .Where(property => property.CanWrite)
                .Select(property => new Setting(section, property)))];

    private static readonly FrozenDictionary<string, Setting> ByPath =
        All.ToFrozenDictionary(setting => setting.Path, StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenDictionary<string, Setting> ByConfigurationPath =
        All.ToFrozenDictionary(setting => setting.ConfigurationPath, StringComparer.OrdinalIgnoreCase);

    /// <summary>Finds a setting by its TOML path, <c>consensus.algorithm</c>; null if there is none.</summary>
    public static Setting? FindByPath(string path) => ByPath.GetValueOrDefault(path);

    /// <summary>
    /// Finds a setting by its configuration path, <c>KvCloud:Consensus:Algorithm</c>; null if there is none.
    /// </summary>
    public static Setting? FindByConfigurationPath(string path) => ByConfigurationPath.GetValueOrDefault(path);

    public static Setting Get(string path) =>
        FindByPath(path) ?? throw new ArgumentException($"There is no setting {path}.", nameof(path));

    /// <summary>The tables of docs/configuration.md.</summary>
    public static string ToMarkdown()
    {
        StringBuilder page = new();
        foreach ((string name, string about) in Sections)
        {
            page.Append($"### [{name}]\n\n{about}\n\n");
            page.Append("| key | default | allowed | meaning |\n| --- | --- | --- | --- |\n");
            foreach (Setting setting in All.Where(setting => setting.SectionName == name))
            {
                string noEffect = setting.NoEffect is null ? "" : $" **No effect here:** {setting.NoEffect}.";
                page.Append($"| `{setting.Key}` | {DefaultForReaders(setting)} | {setting.Allowed} ");
                page.Append($"| {setting.About}{noEffect} |\n");
            }

            page.Append('\n');
        }

        return page.ToString();
    }

    /// <summary>The body of kvcloud.example.toml: every key with its default.</summary>
    public static string ToExampleToml()
    {
        StringBuilder file = new();
        foreach ((string name, string about) in Sections)
        {
            file.Append($"\n# {about}\n[{name}]\n");
            foreach (Setting setting in All.Where(setting => setting.SectionName == name))
            {
                AppendWrapped(file, $"{setting.About} ({setting.Allowed})");
                if (setting.NoEffect is not null)
                {
                    AppendWrapped(file, $"No effect here: {setting.NoEffect}.");
                }

                string? text = setting.Text(Defaults);
                file.Append(text is null ? $"# {setting.Key} =\n" : $"{setting.Key} = {text}\n");
            }
        }

        return file.ToString();
    }

    private static IEnumerable<PropertyInfo> SectionProperties() =>
        typeof(NodeOptions).GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(section => section.CanWrite);

    private static string DefaultForReaders(Setting setting) =>
        setting.Text(Defaults) is string text ? $"`{text}`" : "not set";

    private static void AppendWrapped(StringBuilder file, string text)
    {
        const int Width = 116;
        StringBuilder line = new();
        foreach (string word in text.Split(' '))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > Width)
            {
                file.Append($"# {line}\n");
                line.Clear();
            }

            line.Append(line.Length == 0 ? word : $" {word}");
        }

        file.Append($"# {line}\n");
    }
}
