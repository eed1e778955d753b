namespace KvCloud.WebConsole;

/// <summary>Section <c>Console</c> of the configuration.</summary>
public sealed record ConsoleOptions
{
    public const string Section = "Console";

    /// <summary>Whether the pages may write. Default: true in Development, otherwise false.</summary>
    public bool? AllowWrites { get; init; }
}
