using KvCloud.Client;
using KvCloud.Monitoring;
using KvCloud.WebConsole;
using KvCloud.WebConsole.Components;
using KvCloud.WebConsole.Data;
using KvCloud.WebConsole.Sessions;
using MudBlazor.Services;

WebApplicationBuilder builder = WebApplication.CreateBuilder(new WebApplicationOptions
{
    Args = args,
    // Its static files are beside it, wherever it was started from.
    ContentRootPath = AppContext.BaseDirectory,
});

// Where it was built and not published, a manifest says where those files are, in any environment.
builder.WebHost.UseStaticWebAssets();
builder.AddServiceDefaults();

// Keyed, for the health check alone: no page can take it for its own, which has the rights of who looks at the page.
KvCloudClientSettings connection = new();
builder.AddKeyedKvCloudClient("kv", settings => connection = settings);
builder.Services.AddSingleton(connection);
builder.Services.Configure<ConsoleOptions>(builder.Configuration.GetSection(ConsoleOptions.Section));
builder.Services.AddSingleton(TimeProvider.System);
builder.Services.AddConsoleSessions();
builder.Services.AddHostedService<ParentWatch>();
builder.Services.AddScoped<WriteLock>();
builder.Services.AddScoped(provider => new KeyBrowser(
    provider.GetRequiredService<CurrentSession>().Required.Client, provider.GetRequiredService<WriteLock>()));
builder.Services.AddSingleton<BackupArchives>();
builder.Services.AddScoped(
    provider => new NodeReader(provider.GetRequiredService<CurrentSession>().Required.Nodes.Http));
builder.Services.AddMudServices();
builder.Services.AddRazorComponents().AddInteractiveServerComponents();

try
{
    WebApplication app = builder.Build();
    app.UseSecurityHeaders();
    app.UseAuthentication();
    app.UseAntiforgery();
    app.MapStaticAssets();
    app.MapDefaultEndpoints();
    app.MapConsoleSessions();
    app.MapExport();
    app.MapRazorComponents<App>().AddInteractiveServerRenderMode();
    await app.RunAsync();
    return 0;
}
catch (ArgumentException error)
{
    // A setting that cannot be used: one sentence, no stack trace.
    await Console.Error.WriteLineAsync(error.Message);
    return 2;
}
