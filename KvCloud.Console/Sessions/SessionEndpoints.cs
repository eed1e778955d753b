using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Mvc;

namespace KvCloud.WebConsole.Sessions;

/// <summary>What the forms to log in and out are sent to, and the cookie between them.</summary>
internal static class SessionEndpoints
{
    public const string LoginPath = "/session";
    public const string LogoutPath = "/session/end";
    public const string LoginPage = "/login";

    private static readonly TimeSpan TicketLifetime = TimeSpan.FromHours(12);

    public static IServiceCollection AddConsoleSessions(this IServiceCollection services)
    {
        // Sessions end with this process, so its keys may too: nothing is written to disk.
        services.AddDataProtection().UseEphemeralDataProtectionProvider();
        services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme).AddCookie(options =>
        {
            options.Cookie.Name = "kvcloud-console";
            options.Cookie.HttpOnly = true;
            options.Cookie.SameSite = SameSiteMode.Strict;
            options.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
            options.ExpireTimeSpan = TicketLifetime;
            options.LoginPath = LoginPage;
            options.Events.OnValidatePrincipal = ValidateAsync;
        });
        services.AddCascadingAuthenticationState();
        services.AddSingleton<SessionStore>();
        services.AddHostedService(provider => provider.GetRequiredService<SessionStore>());
        services.AddScoped<CurrentSession>();
        services.AddScoped<Microsoft.AspNetCore.Components.Server.Circuits.CircuitHandler, SessionPages>();
        // Neither is disposable: they live as long as their session, not as long as a page.
        services.AddScoped(provider => provider.GetRequiredService<CurrentSession>().Required.Monitor);
        return services;
    }

    public static void MapConsoleSessions(this WebApplication app)
    {
        app.MapPost(LoginPath, LogInAsync);
        app.MapPost(LogoutPath, LogOutAsync);
    }

    private static async Task<IResult> LogInAsync(
        HttpContext context,
        SessionStore store,
        [FromForm] string? user,
        [FromForm] string? password,
        [FromForm] string? token,
        [FromForm] string? returnUrl)
    {
        LoginAnswer answer = await store.LogInAsync(user?.Trim(), password, token?.Trim(), context.RequestAborted);
        string back = LocalOr(returnUrl, "/");
        if (answer.Session is not { } session)
        {
            return Results.LocalRedirect(
                $"{LoginPage}?outcome={answer.Outcome}&returnUrl={Uri.EscapeDataString(back)}");
        }

        // Of one login no other is left: who logs in anew ends the session before.
        EndAfterAnswer(context, store);
        var identity = new ClaimsIdentity(
            [new Claim(ClaimTypes.Name, session.User!), new Claim(CurrentSession.IdClaim, session.Id)],
            CookieAuthenticationDefaults.AuthenticationScheme);
        await context.SignInAsync(new ClaimsPrincipal(identity));
        return Results.LocalRedirect(back);
    }

    private static async Task<IResult> LogOutAsync(
        HttpContext context, SessionStore store, [FromForm] string? returnUrl)
    {
        await context.SignOutAsync();
        EndAfterAnswer(context, store);
        return Results.LocalRedirect(LocalOr(returnUrl, LoginPage));
    }

    /// <summary>Not before: the page that sent the form would leave for the login meanwhile.</summary>
    private static void EndAfterAnswer(HttpContext context, SessionStore store)
    {
        if (context.User.FindFirst(CurrentSession.IdClaim)?.Value is { } id)
        {
            context.Response.OnCompleted(() => store.EndAsync(id));
        }
    }

    /// <summary>The cookie outlives the session, which may have ended.</summary>
    private static async Task ValidateAsync(CookieValidatePrincipalContext context)
    {
        SessionStore store = context.HttpContext.RequestServices.GetRequiredService<SessionStore>();
        if (context.Principal?.FindFirst(CurrentSession.IdClaim)?.Value is not { } id || store.Find(id) is null)
        {
            context.RejectPrincipal();
            await context.HttpContext.SignOutAsync();
        }
    }

    /// <summary>A path of these pages; anything else could lead to somebody else's.</summary>
    internal static string LocalOr(string? url, string otherwise) =>
        url is ['/', ..] and not ['/', '/' or '\\', ..] && !url.Any(char.IsControl) ? url : otherwise;
}
