using KvCloud.Monitoring;
using KvCloud.WebConsole;
using KvCloud.WebConsole.Components;
using KvCloud.WebConsole.Data;
using KvCloud.WebConsole.Monitoring;
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
builder.AddKvCloudClient("kv");
builder.Services.Configure<ConsoleOptions>(builder.Configuration.GetSection(ConsoleOptions.Section));
builder.Services.AddSingleton(TimeProvider.System);

// A handler of its own: the retries of the service defaults would hide a node that does not answer.
builder.Services.AddSingleton(provider => new NodePoller(
    new HttpClient(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(5) }),
    provider.GetRequiredService<TimeProvider>()));
builder.Services.AddSingleton<ClusterMonitor>();
builder.Services.AddHostedService(provider => provider.GetRequiredService<ClusterMonitor>());
builder.Services.AddHostedService<ParentWatch>();
builder.Services.AddScoped<KeyBrowser>();
builder.Services.AddMudServices();
builder.Services.AddRazorComponents().AddInteractiveServerComponents();

WebApplication app = builder.Build();
app.UseAntiforgery();
app.MapStaticAssets();
app.MapDefaultEndpoints();
app.MapRazorComponents<App>().AddInteractiveServerRenderMode();
await app.RunAsync();
