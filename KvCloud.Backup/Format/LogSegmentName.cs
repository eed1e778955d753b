using System.Globalization;
using System.Text.RegularExpressions;

namespace KvCloud.Backup.Format;

/// <summary>
/// The name of a segment of the archived log. It holds everything that a catalog needs, so that listings suffice to
/// build one.
/// </summary>
/// <param name="FirstUnixMs">The time at which its first batch of writes was proposed; 0 if it has none.</param>
/// <param name="LastUnixMs">The time at which its last batch of writes was proposed; 0 if it has none.</param>
/// <param name="Version">
/// All commit versions up to this one are in the segment or before it; 0 if no such version is known.
/// </param>
/// <param name="VersionBound">An upper bound of the commit versions up to the end of the segment.</param>
/// <param name="Hash">XxHash128 of the segment.</param>
internal sealed partial record LogSegmentName(
    long FirstSlot,
    long LastSlot,
    long FirstUnixMs,
    long LastUnixMs,
    long Version,
    long VersionBound,
    string Hash,
    long SizeBytes = 0)
{
    public string ObjectName => string.Create(
        CultureInfo.InvariantCulture,
        $"{ArchiveLayout.Log}{FirstSlot:D20}-{LastSlot:D20}-t{FirstUnixMs:D15}-t{LastUnixMs:D15}-v{Version:D17}"
        + $"-b{VersionBound:D17}-{Hash}.log");

    /// <returns>Null if the name is not that of a segment.</returns>
    public static LogSegmentName? TryParse(string name, long sizeBytes)
    {
        Match match = Form().Match(name);
        if (!match.Success)
        {
            return null;
        }

        long Number(string group) => long.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);
        var segment = new LogSegmentName(
            Number("first"), Number("last"), Number("from"), Number("to"), Number("version"),
            Number("bound"),
            match.Groups["hash"].Value, sizeBytes);
        return segment.FirstSlot <= segment.LastSlot ? segment : null;
    }

    [GeneratedRegex(
        @"^log/(?<first>00\d{18})-(?<last>00\d{18})-t(?<from>\d{15})-t(?<to>\d{15})-v(?<version>\d{17})"
        + @"-b(?<bound>\d{17})-(?<hash>[0-9a-f]{32})\.log$")]
    private static partial Regex Form();
}
