using KvCloud.Node.Configuration;
using KvCloud.Node.History;

namespace KvCloud.Node.Diagnostics;

/// <summary>
/// What this node remembers of late: /events and /logs, and /config. Each answer is bounded, and comes from memory.
/// </summary>
internal static class HistoryEndpoints
{
    /// <summary>Items of an answer, unless the request sets another limit.</summary>
    public const int DefaultLimit = 200;

    public const int MaxLimit = 1_000;

    public static void MapHistory(this WebApplication app)
    {
        app.MapGet("/events", Events);
        app.MapGet("/logs", Logs);
        app.MapGet("/config", Config);
    }

    private static IResult Events(HttpContext context)
    {
        var query = new HttpQuery(context.Request);
        long? after = query.Number("after", 0, long.MaxValue);
        int limit = LimitOf(query);
        return query.Refusal ?? Results.Json(
            EventsAnswer.Of(SelfOf(context), context.Service<EventHistory>().Read(after, limit)), NodeEndpoints.Json);
    }

    private static IResult Logs(HttpContext context)
    {
        var query = new HttpQuery(context.Request);
        long? after = query.Number("after", 0, long.MaxValue);
        int limit = LimitOf(query);
        string level = query.OneOf("level", LogLevels.Names) ?? LogLevels.Names[0];
        return query.Refusal ?? Results.Json(
            LogsAnswer.Of(
                SelfOf(context), context.Service<LogHistory>().Read(after, limit, LogLevels.Of(level))),
            NodeEndpoints.Json);
    }

    private static IResult Config(HttpContext context) =>
        Results.Json(ConfigAnswer.Of(SelfOf(context), context.Service<SettingsResult>()), NodeEndpoints.Json);

    private static int LimitOf(HttpQuery query) => (int)(query.Number("limit", 1, MaxLimit) ?? DefaultLimit);

    private static int SelfOf(HttpContext context) => context.Service<NodeTopology>().SelfId;

    private static T Service<T>(this HttpContext context)
        where T : notnull => context.RequestServices.GetRequiredService<T>();
}
