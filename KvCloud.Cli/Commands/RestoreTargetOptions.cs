using System.CommandLine;
using System.Globalization;
using KvCloud.Backup.Catalog;

namespace KvCloud.Cli.Commands;

/// <summary>--at-version, --at-time and --at-slot: which moment is meant.</summary>
internal sealed class RestoreTargetOptions
{
    private static readonly string[] TimeForms =
        ["yyyy-MM-ddTHH:mm:ss.FFFFFFFK", "yyyy-MM-ddTHH:mmK", "yyyy-MM-dd HH:mm:ss.FFFFFFFK"];

    private readonly Option<long?> _version = new("--at-version")
    {
        Description = "As of this commit version.",
        HelpName = "number",
    };

    private readonly Option<string?> _time = new("--at-time")
    {
        Description = "As of this time: ISO 8601 with an offset, 2026-11-27T18:30:00Z or …+02:00.",
        HelpName = "time",
    };

    private readonly Option<long?> _slot = new("--at-slot")
    {
        Description = "As of this slot of the log.",
        HelpName = "number",
    };

    public void AddTo(Command command)
    {
        command.Add(_version);
        command.Add(_time);
        command.Add(_slot);
    }

    /// <exception cref="UsageException">Two of them are given, or a time is none.</exception>
    public RestoreTarget Of(ParseResult parsed)
    {
        RestoreTarget[] given =
        [
            .. parsed.GetValue(_version) is { } version ? [RestoreTarget.AtVersion(version)] : (RestoreTarget[])[],
            .. parsed.GetValue(_time) is { } time ? [RestoreTarget.AtTime(TimeOf(time))] : (RestoreTarget[])[],
            .. parsed.GetValue(_slot) is { } slot ? [RestoreTarget.AtSlot(slot)] : (RestoreTarget[])[],
        ];
        return given.Length switch
        {
            0 => RestoreTarget.Latest,
            1 => given[0],
            _ => throw new UsageException("--at-version, --at-time and --at-slot are mutually exclusive"),
        };
    }

    /// <summary>A time without an offset would mean another moment on another machine.</summary>
    private static DateTimeOffset TimeOf(string text)
    {
        bool hasOffset = text.EndsWith('Z') || text.LastIndexOfAny(['+', '-']) > "yyyy-MM-dd".Length;
        return hasOffset && DateTimeOffset.TryParseExact(
            text, TimeForms, CultureInfo.InvariantCulture, DateTimeStyles.None, out DateTimeOffset time)
            ? time
            : throw new UsageException(
                $"'{text}' is no time with an offset; write 2026-11-27T18:30:00Z or 2026-11-27T20:30:00+02:00");
    }
}
