using System.Data.Common;
using System.Globalization;
using KvCloud.Protocol;

namespace KvCloud.Client.Calls;

/// <summary>
/// Applies a connection string on top of the other settings. An unknown key or an invalid value is refused by name.
/// </summary>
internal static class ConnectionStringParser
{
    private static readonly Dictionary<string, Action<KvCloudClientSettings, string>> Keys =
        new(StringComparer.OrdinalIgnoreCase)
        {
            ["Endpoints"] = (settings, text) => SetEndpoints(settings, text),
            ["Endpoint"] = (settings, text) => SetEndpoints(settings, text),
            ["Consistency"] = (settings, text) => settings.Consistency = Level(text),
            ["MaxStaleness"] = (settings, text) => settings.MaxStaleness = Time(text),
            ["Timeout"] = (settings, text) => settings.Timeout = Time(text),
            ["AttemptTimeout"] = (settings, text) => settings.AttemptTimeout = Time(text),
            ["ConnectTimeout"] = (settings, text) => settings.ConnectTimeout = Time(text),
            ["KeepAliveInterval"] = (settings, text) => settings.KeepAliveInterval = Time(text),
            ["KeepAliveTimeout"] = (settings, text) => settings.KeepAliveTimeout = Time(text),
            ["RefreshInterval"] = (settings, text) => settings.RefreshInterval = Time(text),
            ["MinConnectionsPerNode"] = (settings, text) => settings.MinConnectionsPerNode = Number(text),
            ["MaxConnectionsPerNode"] = (settings, text) => settings.MaxConnectionsPerNode = Number(text),
            ["CallsBeforeAnotherConnection"] = (settings, text) => settings.CallsBeforeAnotherConnection = Number(text),
            ["MaxCallsPerConnection"] = (settings, text) => settings.MaxCallsPerConnection = Number(text),
            ["MaxUnsentBytesPerConnection"] = (settings, text) => settings.MaxUnsentBytesPerConnection = Number(text),
            ["MaxRequestBytes"] = (settings, text) => settings.MaxRequestBytes = Number(text),
            ["MaxResponseBytes"] = (settings, text) => settings.MaxResponseBytes = Number(text),
            ["ExactlyOnce"] = (settings, text) => settings.ExactlyOnce = Flag(text),
            ["AuthToken"] = (settings, text) => settings.AuthToken = text,
            ["User"] = (settings, text) => settings.User = text,
            ["Password"] = (settings, text) => settings.Password = text,
            ["Token"] = (settings, text) => settings.Token = text,
            ["UseTls"] = (settings, text) => settings.UseTls = Flag(text),
            ["TlsCa"] = (settings, text) => settings.TlsCa = text,
            ["TlsCertificate"] = (settings, text) => settings.TlsCertificate = text,
            ["TlsKey"] = (settings, text) => settings.TlsKey = text,
            ["TlsServerName"] = (settings, text) => settings.TlsServerName = text,
            ["TlsMinVersion"] = (settings, text) => settings.TlsMinVersion = text,
        };

    /// <summary>A copy of the settings with those of the connection string applied.</summary>
    public static KvCloudClientSettings Apply(KvCloudClientSettings given)
    {
        KvCloudClientSettings settings = Copy(given);
        if (string.IsNullOrWhiteSpace(given.ConnectionString))
        {
            return settings;
        }

        string text = given.ConnectionString.Trim();
        if (!text.Contains('=', StringComparison.Ordinal))
        {
            SetEndpoints(settings, text);
            return settings;
        }

        foreach ((string key, string value) in Split(text))
        {
            if (!Keys.TryGetValue(
                key.Replace("_", "", StringComparison.Ordinal), out Action<KvCloudClientSettings, string>? apply))
            {
                throw new ArgumentException(
                    $"The connection string has an unknown key '{key}'; known are {string.Join(", ", Keys.Keys)}.");
            }

            try
            {
                apply(settings, value);
            }
            catch (FormatException exception)
            {
                throw new ArgumentException($"Connection string, {key}: {exception.Message}", exception);
            }
        }

        return settings;
    }

    /// <summary>Parses a consistency level, ignoring case and underscores.</summary>
    public static ReadConsistency Level(string text) =>
        text.Trim().Replace("_", "", StringComparison.Ordinal).ToUpperInvariant() switch
        {
            "LOCAL" => ReadConsistency.LOCAL,
            "LEADER" => ReadConsistency.LEADER,
            "READINDEX" => ReadConsistency.READ_INDEX,
            _ => throw new FormatException($"'{text}' is not a consistency level; use local, leader or read_index"),
        };

    /// <summary>Parses a time: `500ms`, `10s`, `2m`, `00:00:10`, or a number of seconds.</summary>
    public static TimeSpan Time(string text)
    {
        string trimmed = text.Trim();
        (string number, double unitMs) = trimmed switch
        {
            _ when trimmed.EndsWith("ms", StringComparison.OrdinalIgnoreCase) => (trimmed[..^2], 1),
            _ when trimmed.EndsWith('s') => (trimmed[..^1], 1_000),
            _ when trimmed.EndsWith('m') => (trimmed[..^1], 60_000),
            _ when trimmed.EndsWith('h') => (trimmed[..^1], 3_600_000),
            _ => (trimmed, 1_000.0),
        };
        if (double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value)
            && value * unitMs <= int.MaxValue)
        {
            return TimeSpan.FromMilliseconds(value * unitMs);
        }

        return TimeSpan.TryParse(trimmed, CultureInfo.InvariantCulture, out TimeSpan span)
            ? span
            : throw new FormatException($"'{text}' is not a time; use 500ms, 10s or 00:00:10");
    }

    private static IEnumerable<(string Key, string Value)> Split(string text)
    {
        var builder = new DbConnectionStringBuilder();
        try
        {
            builder.ConnectionString = text;
        }
        catch (ArgumentException exception)
        {
            throw new ArgumentException($"The connection string cannot be read: {exception.Message}", exception);
        }

        foreach (string key in builder.Keys)
        {
            yield return (key, Convert.ToString(builder[key], CultureInfo.InvariantCulture) ?? "");
        }
    }

    private static void SetEndpoints(KvCloudClientSettings settings, string text)
    {
        settings.Endpoints.Clear();
        foreach (string endpoint in text.Split(
            ',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            settings.Endpoints.Add(endpoint);
        }
    }

    private static int Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            ? number
            : throw new FormatException($"'{text}' is not a whole number");

    private static bool Flag(string text) =>
        bool.TryParse(text, out bool flag) ? flag : throw new FormatException($"'{text}' is neither true nor false");

    private static KvCloudClientSettings Copy(KvCloudClientSettings given)
    {
        var copy = new KvCloudClientSettings
        {
            Consistency = given.Consistency,
            MaxStaleness = given.MaxStaleness,
            Timeout = given.Timeout,
            AttemptTimeout = given.AttemptTimeout,
            ConnectTimeout = given.ConnectTimeout,
            KeepAliveInterval = given.KeepAliveInterval,
            KeepAliveTimeout = given.KeepAliveTimeout,
            RefreshInterval = given.RefreshInterval,
            MinConnectionsPerNode = given.MinConnectionsPerNode,
            MaxConnectionsPerNode = given.MaxConnectionsPerNode,
            CallsBeforeAnotherConnection = given.CallsBeforeAnotherConnection,
            MaxCallsPerConnection = given.MaxCallsPerConnection,
            MaxUnsentBytesPerConnection = given.MaxUnsentBytesPerConnection,
            MaxRequestBytes = given.MaxRequestBytes,
            MaxResponseBytes = given.MaxResponseBytes,
            ExactlyOnce = given.ExactlyOnce,
            Time = given.Time,
            AuthToken = given.AuthToken,
            User = given.User,
            Password = given.Password,
            Token = given.Token,
            TokenProvider = given.TokenProvider,
            UseTls = given.UseTls,
            TlsCa = given.TlsCa,
            TlsCertificate = given.TlsCertificate,
            TlsKey = given.TlsKey,
            TlsServerName = given.TlsServerName,
            TlsMinVersion = given.TlsMinVersion,
            TlsOptions = given.TlsOptions,
        };
        foreach (string endpoint in given.Endpoints)
        {
            copy.Endpoints.Add(endpoint);
        }

        return copy;
    }
}
