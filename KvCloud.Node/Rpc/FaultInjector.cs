using System.Diagnostics.CodeAnalysis;
using KvCloud.Node.Operations;
using KvCloud.Node.Rpc.Methods;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc;

/// <summary>
/// Makes calls of this node fail deliberately, as configured by setFaultInjection. A fault is injected before the call
/// does anything, so a call that fails this way had no effect. Thread-safe.
/// </summary>
internal sealed class FaultInjector
{
    public const int MaxDurationMs = 60_000;
    public const int MaxFaultTypeLength = 64;

    /// <summary>Values of `target_operation` other than method names of the contract.</summary>
    private static readonly Dictionary<string, string[]> Groups = new(StringComparer.OrdinalIgnoreCase)
    {
        ["get"] = ["get"],
        ["set"] = ["setKey"],
        ["delete"] = ["deleteKey"],
        ["range"] = ["getRange", "snapshotGetRange"],
        ["snapshot"] = ["snapshotRead", "snapshotGet", "snapshotGetRange"],
        ["commit"] = ["atomicCommit"],
        ["versionstamp"] = ["setVersionstampedKey", "setVersionstampedValue"],
        ["read_version"] = ["getReadVersion"],
    };

    private volatile Rule? _rule;

    /// <summary>
    /// Applies a setFaultInjection request; returns null on success, else what is wrong with the request.
    /// </summary>
    public string? Configure(FaultInjectionRequest request)
    {
        if (!(request.Probability >= 0 && request.Probability <= 1))
        {
            return $"probability must be from 0 to 1, but is {request.Probability}";
        }

        if (request.DurationMs is < 0 or > MaxDurationMs)
        {
            return $"duration_ms must be from 0 to {MaxDurationMs}, but is {request.DurationMs}";
        }

        if (request.FaultType.Length is 0 or > MaxFaultTypeLength)
        {
            return $"fault_type must have 1 to {MaxFaultTypeLength} characters";
        }

        if (!TryFindTargets(request.TargetOperation, out bool[]? targets))
        {
            return $"target_operation '{request.TargetOperation}' must be all, {string.Join(", ", Groups.Keys)} or a"
                + " method that reads or writes data";
        }

        _rule = request.Probability == 0
            ? null
            : new Rule(request.FaultType.ToUpperInvariant(), request.Probability, request.DurationMs, targets);
        return null;
    }

    /// <summary>Whether this call is to fail, and how.</summary>
    public bool TryInject(KvOperation operation, out Refusal refusal, out int delayMs)
    {
        refusal = default;
        delayMs = 0;
        if (_rule is not { } rule || !rule.Targets[operation.Index] || Random.Shared.NextDouble() >= rule.Probability)
        {
            return false;
        }

        bool isCode = Enum.TryParse(rule.FaultType, out ErrorCode known) && Enum.IsDefined(known);
        ErrorCode code = isCode && known != ErrorCode.OK ? known : ErrorCode.INTERNAL;
        refusal = new Refusal(code, $"Injected fault {rule.FaultType}", CodeText: rule.FaultType);
        delayMs = rule.DurationMs;
        return true;
    }

    private static bool TryFindTargets(string? operation, [NotNullWhen(true)] out bool[]? targets)
    {
        bool isAll = string.IsNullOrEmpty(operation) || operation.Equals("all", StringComparison.OrdinalIgnoreCase);
        string[] names = isAll ? [] : Groups.GetValueOrDefault(operation!, [operation!]);

        // Calls about the node itself are exempt; otherwise injection could not be switched off again.
        targets =
        [
            .. OperationClassifier.Counted.Select(
                counted => counted.TouchesData && (isAll || names.Contains(counted.Method))),
        ];
        return targets.Contains(true);
    }

    private sealed record Rule(string FaultType, double Probability, int DurationMs, bool[] Targets);
}
