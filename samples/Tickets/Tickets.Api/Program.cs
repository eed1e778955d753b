using System.Text;
using KvCloud.Client;
using OpenTelemetry;
using OpenTelemetry.Trace;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);

// Uses the connection string "kv" from the AppHost; adds a health check, traces and metrics.
builder.AddKvCloudClient("kv");
builder.Services.AddOpenTelemetry()
    .WithTracing(tracing => tracing.AddAspNetCoreInstrumentation())
    .UseOtlpExporter();

WebApplication app = builder.Build();
app.UseDefaultFiles();
app.UseStaticFiles();
app.MapHealthChecks("/health");

string[] seats = [.. "ABCD".SelectMany(row => Enumerable.Range(1, 8), (row, number) => $"{row}{number}")];

app.MapGet("/api/seats", async (KvCloudClient kv, CancellationToken cancellationToken) =>
{
    var taken = new Dictionary<string, string>();
    await foreach (KvEntry entry in kv.RangeAsync(KvRange.Prefix(Key("")), cancellationToken: cancellationToken))
    {
        taken[Encoding.UTF8.GetString(entry.Key)[Key("").Length..]] = Encoding.UTF8.GetString(entry.Value);
    }

    return seats.Select(seat => new { seat, by = taken.GetValueOrDefault(seat) });
});

// Sells each seat once: the transaction commits only if nobody has taken the seat since it was read; otherwise it runs
// again and sees who did.
app.MapPost("/api/seats/{seat}", async (
    string seat, Reservation reservation, KvCloudClient kv, CancellationToken cancellationToken) =>
{
    if (!seats.Contains(seat))
    {
        return Results.NotFound(new { error = $"There is no seat {seat}." });
    }

    if (string.IsNullOrWhiteSpace(reservation.Name))
    {
        return Results.BadRequest(new { error = "A reservation needs a name." });
    }

    string? takenBy = await kv.RunAsync(
        async transaction =>
        {
            string? by = await transaction.GetStringAsync(Key(seat));
            if (by is null)
            {
                transaction.Set(Key(seat), reservation.Name);
            }

            return by;
        },
        cancellationToken: cancellationToken);
    return takenBy is null
        ? Results.Ok(new { seat, by = reservation.Name })
        : Results.Conflict(new { error = $"Seat {seat} is taken by {takenBy}." });
});

app.Run();

static string Key(string seat) => $"seat/{seat}";

internal sealed record Reservation(string Name);
