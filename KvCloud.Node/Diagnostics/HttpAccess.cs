using System.Text;
using KvCloud.Node.Access;
using KvCloud.Node.Operations;
using Microsoft.AspNetCore.Http.Features;

namespace KvCloud.Node.Diagnostics;

/// <summary>
/// Who may see what by HTTP, where authorization is required: /alive and /health everybody, /metrics by setting, all
/// else who may administer the cluster: by Basic, by a token (Bearer), or by a client certificate.
/// </summary>
internal static class HttpAccess
{
    private static readonly string[] Open = ["/alive", "/health"];

    public static void UseHttpAccess(this WebApplication app)
    {
        // Without the parts of a replica, as in some tests, nothing is asked for.
        if (app.Services.GetService<Authenticator>() is { } authenticator
            && app.Services.GetService<AccessOptions>() is { IsRequired: true } options)
        {
            AuditLog audit = app.Services.GetRequiredService<AuditLog>();
            app.Use((context, next) => CheckAsync(context, next, authenticator, options, audit));
        }
    }

    private static async Task CheckAsync(
        HttpContext context, RequestDelegate next, Authenticator authenticator, AccessOptions options, AuditLog audit)
    {
        string path = context.Request.Path.Value ?? "";
        if (Open.Contains(path, StringComparer.OrdinalIgnoreCase)
            || (options.Metrics == MetricsAccess.Open
                && path.Equals("/metrics", StringComparison.OrdinalIgnoreCase)))
        {
            await next(context);
            return;
        }

        var caller = new Caller(context.Connection.RemoteIpAddress is { } address
            ? new System.Net.IPEndPoint(address, context.Connection.RemotePort)
            : null);
        LoginOutcome login = await LogInAsync(context, authenticator, options, caller);
        Principal principal = login.Principal ?? Principal.Anonymous;
        if (login.Principal is not null && !MayAdminister(principal, authenticator))
        {
            // The user may have been made, or the right given, a moment ago.
            ReadIndexOutcome confirmed = await authenticator.ConfirmAsync(options.ReadIndexTimeout);
            if (confirmed.Code != KvStatus.Ok)
            {
                login = new LoginOutcome(
                    null, $"whether there is a right to admin could not be told: {confirmed.Message}", confirmed.Code);
            }
        }

        if (login.Principal is not null && MayAdminister(principal, authenticator))
        {
            await next(context);
            return;
        }

        audit.Refused(principal, caller.Remote, path, login.Error ?? "no right to admin");
        context.Response.StatusCode = login.Unknown == KvStatus.Overloaded ? StatusCodes.Status429TooManyRequests
            : login.Unknown is not null ? StatusCodes.Status503ServiceUnavailable
            : login.Principal is null ? StatusCodes.Status401Unauthorized
            : StatusCodes.Status403Forbidden;
        if (login is { Principal: null, Unknown: null })
        {
            context.Response.Headers.WWWAuthenticate = "Basic realm=\"kvcloud\", Bearer";
        }

        await context.Response.WriteAsync(
            login.Principal is null
                ? $"{login.Unknown?.ToErrorName() ?? "UNAUTHENTICATED"}: {login.Error}\n"
                : "PERMISSION_DENIED: admin is needed\n");
    }

    private static bool MayAdminister(Principal principal, Authenticator authenticator) =>
        principal.RightsIn(authenticator.Catalog)?.HasAll(KvRights.Admin) == true;

    private static async ValueTask<LoginOutcome> LogInAsync(
        HttpContext context, Authenticator authenticator, AccessOptions options, Caller caller)
    {
        string header = context.Request.Headers.Authorization.ToString();
        const string Bearer = "Bearer ";
        const string Basic = "Basic ";
        if (header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase))
        {
            return await authenticator.ByTokenAsync(header[Bearer.Length..].Trim(), caller);
        }

        if (header.StartsWith(Basic, StringComparison.OrdinalIgnoreCase))
        {
            return TryReadBasic(header[Basic.Length..].Trim(), out string user, out string password)
                ? await authenticator.ByPasswordAsync(user, password, caller)
                : new LoginOutcome(null, "the header Authorization is malformed");
        }

        Principal byCertificate = CertificateLogin.Of(
            context.Features.Get<ITlsConnectionFeature>()?.ClientCertificate, options.ClusterId);
        return byCertificate.IsAnonymous
            ? new LoginOutcome(null, "log in by Basic, by Bearer, or by a client certificate")
            : new LoginOutcome(byCertificate);
    }

    private static bool TryReadBasic(string encoded, out string user, out string password)
    {
        byte[] bytes = new byte[encoded.Length];
        (user, password) = ("", "");
        if (!Convert.TryFromBase64String(encoded, bytes, out int length))
        {
            return false;
        }

        string text = Encoding.UTF8.GetString(bytes, 0, length);
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0)
        {
            return false;
        }

        (user, password) = (text[..colon], text[(colon + 1)..]);
        return true;
    }
}
