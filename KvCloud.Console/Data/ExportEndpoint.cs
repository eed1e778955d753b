using System.Text;
using KvCloud.Client;
using KvCloud.WebConsole.Sessions;

namespace KvCloud.WebConsole.Data;

/// <summary>
/// Keys with a prefix as a file, lines as `kv export --escaped` writes them, all read at one version with the rights of
/// who asks.
/// </summary>
internal static class ExportEndpoint
{
    public const string Path = "/data/export";

    public static void MapExport(this WebApplication app) => app.MapGet(Path, ExportAsync);

    private static async Task ExportAsync(HttpContext context, SessionStore sessions)
    {
        if (sessions.Of(context.User) is not { } session)
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return;
        }

        IQueryCollection query = context.Request.Query;
        if (!ValueText.TryParseKey(query["prefix"].ToString(), out byte[] prefix, out string? refusal))
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, $"prefix: {refusal}");
            return;
        }

        long version = 0;
        if (query["version"].ToString() is { Length: > 0 } text && !long.TryParse(text, out version))
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, $"version: '{text}' is no number");
            return;
        }

        var at = new ReadAt
        {
            ColumnFamily = query["cf"].ToString() is { Length: > 0 } columnFamily ? columnFamily : null,
            Version = version > 0 ? version : null,
        };
        try
        {
            await WriteAsync(context, session.Client.RangeAsync(
                KvRange.Prefix(prefix), at.Options, context.RequestAborted));
        }
        catch (KvCloudException error) when (!context.Response.HasStarted)
        {
            await RefuseAsync(context, StatusCodes.Status502BadGateway, error.Message);
        }
        catch (KvCloudException)
        {
            // The browser must not take what it has for the whole file.
            context.Abort();
        }
    }

    private static async Task WriteAsync(HttpContext context, IAsyncEnumerable<KvEntry> entries)
    {
        context.Response.ContentType = "text/tab-separated-values; charset=utf-8";
        context.Response.Headers.ContentDisposition = "attachment; filename=\"kvcloud-export.tsv\"";
        context.Response.Headers.CacheControl = "no-store";
        await foreach (KvEntry entry in entries)
        {
            string line = $"{EscapedText.Escape(entry.Key)}\t{EscapedText.Escape(entry.Value)}\n";
            await context.Response.WriteAsync(line, Encoding.UTF8, context.RequestAborted);
        }
    }

    private static Task RefuseAsync(HttpContext context, int status, string text)
    {
        context.Response.Clear();
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(text + "\n", context.RequestAborted);
    }
}
