namespace KvCloud.Node.Configuration;

/// <summary>What is in effect, for people. Secrets are told only as set.</summary>
internal static class EffectiveSettings
{
    /// <summary>One line a section: <c>[consensus] algorithm = "paxos", election_timeout_ms = 400</c>.</summary>
    public static IEnumerable<string> BySection(NodeOptions options) =>
        SettingsCatalog.All
            .Where(setting => setting.NoEffect is null)
            .GroupBy(setting => setting.SectionName)
            .Select(section => (section.Key, Values: section
                .Select(setting => (setting.Key, Text: setting.Text(options)))
                .Where(value => value.Text is not null)
                .Select(value => $"{value.Key} = {value.Text}")
                .ToArray()))
            .Where(section => section.Values.Length > 0)
            .Select(section => $"[{section.Key}] {string.Join(", ", section.Values)}");

    /// <summary>As a TOML file, with where each value comes from.</summary>
    public static IEnumerable<string> AsToml(SettingsResult result)
    {
        string? section = null;
        foreach (Setting setting in SettingsCatalog.All)
        {
            if (setting.SectionName != section)
            {
                section = setting.SectionName;
                yield return $"[{section}]";
            }

            string text = setting.Text(result.Options) ?? "";
            string origin = result.Origins.TryGetValue(setting.Path, out string? written) ? written : "default";
            yield return $"{(text.Length == 0 || setting.IsSecret ? "# " : "")}{setting.Key} = {text}  # {origin}";
        }
    }
}
