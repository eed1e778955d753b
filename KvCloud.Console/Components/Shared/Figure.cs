using System.Globalization;

namespace KvCloud.WebConsole.Components.Shared;

/// <summary>Numbers as the pages write them.</summary>
public static class Figure
{
    private const string None = "–";
    private static readonly string[] Units = ["B", "KB", "MB", "GB", "TB"];

    public static string Bytes(long? bytes)
    {
        if (bytes is not long count)
        {
            return None;
        }

        double value = count;
        int unit = 0;
        while (value >= 1024 && unit < Units.Length - 1)
        {
            value /= 1024;
            unit++;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{value:0.#} {Units[unit]}");
    }

    public static string Count(long? count) => count?.ToString("N0", CultureInfo.InvariantCulture) ?? None;

    public static string Rate(double perSecond) => perSecond.ToString(
        perSecond is > 0 and < 10 ? "0.0" : "N0", CultureInfo.InvariantCulture);

    public static string Ms(double? ms) => ms is double value
        ? string.Create(CultureInfo.InvariantCulture, $"{value:0.##} ms")
        : None;

    public static string Seconds(double? seconds) => Ms(seconds * 1_000);

    public static string Uptime(long? seconds) => seconds is not long value ? None
        : TimeSpan.FromSeconds(value) switch
        {
            { TotalDays: >= 1 } time => string.Create(CultureInfo.InvariantCulture, $"{time.Days} d {time.Hours} h"),
            { TotalHours: >= 1 } time =>
                string.Create(CultureInfo.InvariantCulture, $"{time.Hours} h {time.Minutes} min"),
            { TotalMinutes: >= 1 } time =>
                string.Create(CultureInfo.InvariantCulture, $"{time.Minutes} min {time.Seconds} s"),
            var time => string.Create(CultureInfo.InvariantCulture, $"{time.Seconds} s"),
        };
}
