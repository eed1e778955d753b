using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace KvCloud.Tests.Live;

/// <summary>
/// A span as it came by OTLP. Ids in hexadecimal; kind 1 internal, 2 server, 3 client; links are ids of spans.
/// </summary>
internal sealed record OtlpSpan(
    string Service, string Name, int Kind, string TraceId, string SpanId, string ParentId,
    IReadOnlyDictionary<string, string> Attributes, IReadOnlyList<string> Links);

/// <summary>A line of a log as it came by OTLP.</summary>
internal sealed record OtlpLog(string Service, int Severity, IReadOnlyDictionary<string, string> Attributes);

/// <summary>
/// A collector of OTLP over HTTP with protobuf that reads, of what the exporters send, what the tests ask for (field
/// numbers of opentelemetry-proto v1).
/// </summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;

    private OtlpReceiver(WebApplication app) => _app = app;

    public ConcurrentQueue<OtlpSpan> Spans { get; } = new();

    public ConcurrentQueue<OtlpLog> Logs { get; } = new();

    public string Endpoint => _app.Services.GetRequiredService<IServer>()
        .Features.Get<IServerAddressesFeature>()!.Addresses.First();

    public static async Task<OtlpReceiver> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        WebApplication app = builder.Build();
        var receiver = new OtlpReceiver(app);
        app.Run(receiver.TakeAsync);
        await app.StartAsync();
        return receiver;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private async Task TakeAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        switch (context.Request.Path.Value)
        {
            case "/v1/traces":
                TakeAll(body.ToArray(), (service, record) => Spans.Enqueue(ReadSpan(service, record)));
                break;
            case "/v1/logs":
                TakeAll(body.ToArray(), (service, record) => Logs.Enqueue(ReadLog(service, record)));
                break;
        }

        context.Response.ContentType = "application/x-protobuf";
    }

    /// <summary>Request (1: resources) → resource (1: resource, 2: scopes) → scope (2: records).</summary>
    private static void TakeAll(byte[] request, Action<string, ByteString> take)
    {
        foreach (ByteString resource in Messages(request, 1))
        {
            string service = Messages(resource, 1).Select(Attributes(1)).First().GetValueOrDefault("service.name", "");
            foreach (ByteString record in Messages(resource, 2).SelectMany(scope => Messages(scope, 2)))
            {
                take(service, record);
            }
        }
    }

    private static OtlpSpan ReadSpan(string service, ByteString span) => new(
        service,
        Messages(span, 5).Single().ToStringUtf8(),
        (int)Number(span, 6),
        Hex(Messages(span, 1)),
        Hex(Messages(span, 2)),
        Hex(Messages(span, 4)),
        Attributes(9)(span),
        [.. Messages(span, 13).Select(link => Hex(Messages(link, 2)))]);

    private static OtlpLog ReadLog(string service, ByteString log) => new(
        service,
        (int)Number(log, 2),
        Attributes(6)(log));

    /// <summary>KeyValue: 1 key, 2 AnyValue.</summary>
    private static Func<ByteString, Dictionary<string, string>> Attributes(int field) => message =>
        Messages(message, field).ToDictionary(
            pair => Messages(pair, 1).Single().ToStringUtf8(), pair => string.Concat(Messages(pair, 2).Select(Text)));

    /// <summary>AnyValue: 1 text, 3 integer.</summary>
    private static string Text(ByteString value) =>
        Messages(value, 1).FirstOrDefault()?.ToStringUtf8()
        ?? ((long)Number(value, 3)).ToString(CultureInfo.InvariantCulture);

    private static string Hex(IEnumerable<ByteString> ids) =>
        Convert.ToHexStringLower(ids.FirstOrDefault(ByteString.Empty).Span);

    private static List<ByteString> Messages(byte[] message, int field) =>
        Messages(ByteString.CopyFrom(message), field);

    private static List<ByteString> Messages(ByteString message, int field)
    {
        List<ByteString> found = [];
        CodedInputStream input = message.CreateCodedInput();
        for (uint tag = input.ReadTag(); tag != 0; tag = input.ReadTag())
        {
            if (WireFormat.GetTagFieldNumber(tag) == field
                && WireFormat.GetTagWireType(tag) == WireFormat.WireType.LengthDelimited)
            {
                found.Add(input.ReadBytes());
            }
            else
            {
                input.SkipLastField();
            }
        }

        return found;
    }

    private static ulong Number(ByteString message, int field)
    {
        CodedInputStream input = message.CreateCodedInput();
        for (uint tag = input.ReadTag(); tag != 0; tag = input.ReadTag())
        {
            if (WireFormat.GetTagFieldNumber(tag) == field
                && WireFormat.GetTagWireType(tag) == WireFormat.WireType.Varint)
            {
                return input.ReadUInt64();
            }

            input.SkipLastField();
        }

        return 0;
    }
}
