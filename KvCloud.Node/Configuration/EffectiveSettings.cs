using System.Collections.Frozen;

namespace KvCloud.Node.Configuration;

/// <summary>Renders the effective settings for people. A secret appears only as set.</summary>
internal static class EffectiveSettings
{
    /// <summary>Sections and settings that identify this replica and its location rather than how it works.</summary>
    private static readonly FrozenSet<string> Identity = FrozenSet.Create(
        StringComparer.Ordinal,
        "deployment.mode",
        "deployment.instance_id",
        "deployment.replica_endpoints",
        "consensus.endpoints",
        "cluster.id",
        "database.base_path",
        "listen");

    /// <summary>
    /// Settings that differ from their defaults, as <c>consensus.election_timeout_ms = 200</c>, without those that
    /// identify the replica.
    /// </summary>
    public static IEnumerable<string> Changed(SettingsResult result)
    {
        NodeOptions defaults = new();
        return SettingsCatalog.All
            .Where(setting => setting.NoEffect is null
                && result.Origins.ContainsKey(setting.Path)
                && !Identity.Contains(setting.Path)
                && !Identity.Contains(setting.SectionName)
                && setting.Text(result.Options) != setting.Text(defaults))
            .Select(setting => $"{setting.Path} = {setting.Text(result.Options)}");
    }

    /// <summary>All settings as a TOML file, each with the origin of its value.</summary>
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
