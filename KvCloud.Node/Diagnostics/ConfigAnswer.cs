using KvCloud.Node.Configuration;

namespace KvCloud.Node.Diagnostics;

/// <summary>The answer at /config: every setting, as it is in force.</summary>
internal sealed record ConfigAnswer(int NodeId, IReadOnlyList<SettingAnswer> Settings)
{
    public static ConfigAnswer Of(int nodeId, SettingsResult result)
    {
        NodeOptions defaults = new();
        return new ConfigAnswer(nodeId, [.. SettingsCatalog.All.Select(setting => Of(setting, result, defaults))]);
    }

    private static SettingAnswer Of(Setting setting, SettingsResult result, NodeOptions defaults)
    {
        string? value = setting.Text(result.Options);
        string? byDefault = setting.Text(defaults);
        return new SettingAnswer(
            setting.Path,
            setting.IsSecret ? null : value,
            setting.IsSecret ? null : byDefault,
            IsSet: value is not null,
            IsDefault: value == byDefault,
            setting.IsSecret,
            result.Origins.GetValueOrDefault(setting.Path, "default"),
            setting.Allowed,
            setting.About,
            setting.NoEffect);
    }
}

/// <summary>One setting.</summary>
/// <param name="Name">Table and key: consensus.election_timeout_ms.</param>
/// <param name="Value">As TOML writes it; left out where it is not set, and of a secret.</param>
/// <param name="Source">Where the value is from: a file and line, the environment, the command line, default.</param>
/// <param name="NoEffect">Why the setting does nothing; left out of those that do something.</param>
internal sealed record SettingAnswer(
    string Name,
    string? Value,
    string? Default,
    bool IsSet,
    bool IsDefault,
    bool IsSecret,
    string Source,
    string Allowed,
    string About,
    string? NoEffect);
