using System.Text.Json;
using System.Text.Json.Serialization;

namespace KvCloud.Cli.Bank;

/// <summary>What the clients of one process have done so far. Goes from worker to parent as a line of JSON.</summary>
internal sealed record BankCounters
{
    /// <summary>Transfers that are committed.</summary>
    public long Transfers { get; init; }

    /// <summary>Transactions run anew because somebody else had written what they read.</summary>
    public long Conflicts { get; init; }

    /// <summary>Calls sent anew: redirects, elections, lost connections, overload.</summary>
    public long Retries { get; init; }

    /// <summary>Writes whose answer was lost and that a resend brought to a known end.</summary>
    public long UnknownResolved { get; init; }

    /// <summary>Transfers whose outcome stayed unknown. Each happened wholly or not at all.</summary>
    public long UnknownLeft { get; init; }

    /// <summary>Transfers given up without effect: no leader, no time.</summary>
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
