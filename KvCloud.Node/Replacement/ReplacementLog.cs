namespace KvCloud.Node.Replacement;

internal static partial class ReplacementLog
{
    [LoggerMessage(1120, LogLevel.Warning, "{What}")]
    public static partial void ReplacementGoesOn(this ILogger logger, string what);

    [LoggerMessage(1121, LogLevel.Warning,
        "the disk of replica {Lost} was lost, as a majority of its group says: this is replica {Own} from now on")]
    public static partial void TookId(this ILogger logger, int lost, int own);

    [LoggerMessage(1122, LogLevel.Warning, "the group is asked for: {Change}")]
    public static partial void AsksForChange(this ILogger logger, string change);

    [LoggerMessage(1123, LogLevel.Information, "replica {Own} is a voter, in the place of the lost one")]
    public static partial void HasPlace(this ILogger logger, int own);
}
