using System.Diagnostics.Metrics;
using KvCloud.Node.Telemetry;

namespace KvCloud.Node.Access;

/// <summary>Counts logins and refusals. Tags are bounded: no names of users. Thread-safe.</summary>
/// <remarks>
/// Observed rather than added to: each series is there from the start, with 0. One that began with its first failure
/// would hide that failure from every query of an increase.
/// </remarks>
internal sealed class AccessMetrics
{
    private static readonly (LoginMethod Method, string Name)[] Methods =
        [(LoginMethod.Password, "password"), (LoginMethod.Token, "token"), (LoginMethod.Jwt, "jwt")];

    private readonly long[] _ok = new long[Enum.GetValues<LoginMethod>().Length];
    private readonly long[] _failed = new long[Enum.GetValues<LoginMethod>().Length];
    private long _refusals;

    public AccessMetrics(IMeterFactory meters)
    {
        Meter meter = meters.Create(MeterNames.Node);
        meter.CreateObservableCounter(
            "kvcloud.access.logins",
            () => Logins("ok", _ok).Concat(Logins("failed", _failed)),
            "{login}",
            "Logins by password or token, by method and result.");
        meter.CreateObservableCounter(
            "kvcloud.access.refusals",
            () => Interlocked.Read(ref _refusals),
            "{call}",
            "Calls and HTTP requests refused for want of a login or a right.");
    }

    public void LoggedIn(LoginMethod method) => Interlocked.Increment(ref _ok[(int)method]);

    public void LoginFailed(LoginMethod method) => Interlocked.Increment(ref _failed[(int)method]);

    public void Refused() => Interlocked.Increment(ref _refusals);

    private static IEnumerable<Measurement<long>> Logins(string result, long[] counts) =>
        Methods.Select(method => new Measurement<long>(
            Interlocked.Read(ref counts[(int)method.Method]),
            new KeyValuePair<string, object?>("method", method.Name),
            new KeyValuePair<string, object?>("result", result)));
}
