namespace KvCloud.Node.Configuration;

internal sealed record SecurityOptions
{
    [About("Token that administrative calls (health, statistics, node info, column families) must carry. Empty: none.")]
    [Secret]
    public string? AuthToken { get; init; }

    [About("Whether setFaultInjection is allowed. Default: true in Development, otherwise false.")]
    public bool? AllowFaultInjection { get; init; }
}
