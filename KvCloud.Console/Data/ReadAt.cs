using KvCloud.Client;
using KvCloud.Protocol;

namespace KvCloud.WebConsole.Data;

/// <summary>Where and how fresh a page reads.</summary>
public sealed record ReadAt
{
    public const string DefaultColumnFamily = "default";

    /// <summary>A page has a deadline of its own, so that a node that hangs does not hang the page.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(5);

    public ReadConsistency Consistency { get; init; } = ReadConsistency.READ_INDEX;

    public string? ColumnFamily { get; init; }

    /// <summary>Null: whichever node the client chooses.</summary>
    public string? Endpoint { get; init; }

    /// <summary>Null: the newest.</summary>
    public long? Version { get; init; }

    public KvReadOptions Options => new()
    {
        Consistency = Consistency,
        ColumnFamily = ColumnFamily,
        Endpoint = Endpoint,
        AtVersion = Version,
        Timeout = Deadline,
    };
}
