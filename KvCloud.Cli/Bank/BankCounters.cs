using System.Text.Json;
using System.Text.Json.Serialization;

namespace KvCloud.Cli.Bank;

/// <summary>
/// What the clients of one process have done so far. A worker sends it to its parent as a line of JSON.
/// </summary>
internal sealed record BankCounters
{
    /// <summary>Committed transfers.</summary>
    public long Transfers { get; init; }

    /// <summary>Transactions restarted because another transaction had written what they read.</summary>
    public long Conflicts { get; init; }

    /// <summary>Calls resent after redirects, elections, lost connections or overload.</summary>
    public long Retries { get; init; }

    /// <summary>Writes whose answer was lost and whose outcome a resend determined.</summary>
    public long UnknownResolved { get; init; }

    /// <summary>Transfers whose outcome is still unknown. Each happened entirely or not at all.</summary>
    public long UnknownLeft { get; init; }

    /// <summary>Transfers that failed without effect, because there was no leader or the time was up.</summary>
    public long GivenUp { get; init; }

    public static BankCounters operator +(BankCounters left, BankCounters right) => new()
    {
        Transfers = left.Transfers + right.Transfers,
        Conflicts = left.Conflicts + right.Conflicts,
        Retries = left.Retries + right.Retries,
        UnknownResolved = left.UnknownResolved + right.UnknownResolved,
        UnknownLeft = left.UnknownLeft + right.UnknownLeft,
        GivenUp = left.GivenUp + right.GivenUp,
    };

    public string ToJson() => JsonSerializer.Serialize(this, BankJson.Default.BankCounters);

    public static BankCounters? FromJson(string line) =>
        JsonSerializer.Deserialize(line, BankJson.Default.BankCounters);
}

[JsonSerializable(typeof(BankCounters))]
internal sealed partial class BankJson : JsonSerializerContext;
