using KvCloud.Node.Access;

namespace KvCloud.Node.Configuration;

internal sealed record SecurityOptions
{
    [About("required: whoever calls must log in (user and password, token, client certificate or JWT), and may do what "
        + "the rights of that user allow. off: whoever reaches the port may do everything.")]
    public AuthorizationMode Authorization { get; init; } = AuthorizationMode.Off;

    [About("Who may read /metrics where authorization is required: open for everybody, or admin.")]
    public MetricsAccess Metrics { get; init; } = MetricsAccess.Open;

    [About("Token that administrative calls (health, statistics, node info, column families) must carry. Empty: none. "
        + "Counts only where authorization is off.")]
    [Secret]
    public string? AuthToken { get; init; }

    [About("Whether this node may listen on more than loopback without TLS outside Development. Whoever reaches its "
        + "ports can then read, change and delete all data; it says so at every start.")]
    public bool Insecure { get; init; }

    [About("Whether setFaultInjection is allowed. Default: true in Development, otherwise false.")]
    public bool? AllowFaultInjection { get; init; }
}
