namespace KvCloud.Node.Configuration;

internal sealed record SecurityOptions
{
    [About("Where set, the administrative calls (health, statistics, node info, column families) must carry it.")]
    [Secret]
    public string? AuthToken { get; init; }

    [About("Whether setFaultInjection works. Default: in Development yes, otherwise no.")]
    public bool? AllowFaultInjection { get; init; }
}
