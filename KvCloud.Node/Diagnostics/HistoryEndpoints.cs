using KvCloud.Node.Configuration;
using KvCloud.Node.History;
using KvCloud.Node.Replication.Log;

namespace KvCloud.Node.Diagnostics;

/// <summary>
/// What this node remembers of late: /events, /logs, /slow and /heat; its log at /log; its settings at /config. Each
/// answer is bounded.
/// </summary>
internal static class HistoryEndpoints
{
    /// <summary>Items of an answer, unless the request sets another limit.</summary>
    public const int DefaultLimit = 200;

    public const int MaxLimit = 1_000;

    /// <summary>Ranges of keys at /heat, unless the request says how many.</summary>
    public const int DefaultRanges = 32;

    public const int MaxRanges = 128;

    public static void MapHistory(this WebApplication app)
    {
        app.MapGet("/events", Events);
        app.MapGet("/logs", Logs);
        app.MapGet("/slow", Slow);
        app.MapGet("/heat", Heat);
        app.MapGet("/log", Log);
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

    private static IResult Slow(HttpContext context)
    {
        var query = new HttpQuery(context.Request);
        long? after = query.Number("after", 0, long.MaxValue);
        int limit = LimitOf(query);
        SlowCalls slow = context.Service<SlowCalls>();
        return query.Refusal ?? Results.Json(
            SlowAnswer.Of(SelfOf(context), slow.ThresholdMs, slow.Read(after, limit)), NodeEndpoints.Json);
    }

    private static IResult Heat(HttpContext context)
    {
        var query = new HttpQuery(context.Request);
        int ranges = (int)(query.Number("ranges", 1, MaxRanges) ?? DefaultRanges);
        return query.Refusal ?? Results.Json(
            HeatAnswer.Of(SelfOf(context), HeatReport.Of(context.Service<KeyHeat>().Windows(), ranges)),
            NodeEndpoints.Json);
    }

    private static IResult Log(HttpContext context)
    {
        var query = new HttpQuery(context.Request);
        long? from = query.Number("from", 1, long.MaxValue - LogInspector.MaxSlots);
        int limit = (int)(query.Number("limit", 1, LogInspector.MaxSlots) ?? LogInspector.DefaultSlots);
        if (query.Refusal is { } refusal)
        {
            return refusal;
        }

        try
        {
            return context.Service<LogInspector>().Read(from, limit) is { } answer
                ? Results.Json(answer, NodeEndpoints.Json)
                : HttpError.Result(
                    StatusCodes.Status429TooManyRequests, "OVERLOADED", "others are reading the log; ask again");
        }
        catch (LogUnreadableException exception)
        {
            return HttpError.Result(StatusCodes.Status503ServiceUnavailable, "INTERNAL", exception.Message);
        }
        catch (LogCorruptException exception)
        {
            return HttpError.Result(StatusCodes.Status500InternalServerError, "CORRUPTION", exception.Message);
        }
        catch (ObjectDisposedException)
        {
            return HttpError.Result(
                StatusCodes.Status503ServiceUnavailable, "SHUTTING_DOWN", "the node is stopping");
        }
    }

    private static IResult Config(HttpContext context) =>
        Results.Json(ConfigAnswer.Of(SelfOf(context), context.Service<SettingsResult>()), NodeEndpoints.Json);

    private static int LimitOf(HttpQuery query) => (int)(query.Number("limit", 1, MaxLimit) ?? DefaultLimit);

    private static int SelfOf(HttpContext context) => context.Service<NodeTopology>().SelfId;

    private static T Service<T>(this HttpContext context)
        where T : notnull => context.RequestServices.GetRequiredService<T>();
}
