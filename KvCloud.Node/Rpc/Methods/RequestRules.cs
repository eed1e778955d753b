using KvCloud.Node.Operations;
using KvCloud.Node.State;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>
/// What <see cref="RequestRules"/> look at in a read's request; null for what its method does not have, or the client
/// did not say.
/// </summary>
internal readonly record struct RequestParameters(
    int? KeyBytes, ReadConsistency? Consistency, int? MaxStalenessMs, long? ReadVersion, long? TimeoutMs)
{
    public static RequestParameters Of<TRequest>(TRequest request)
        where TRequest : class
    {
        var consistent = request as IConsistentRequest;
        return new RequestParameters(
            (request as ISnapshotPointRequest)?.Key.Length,
            consistent?.GivenConsistency,
            consistent?.GivenMaxStalenessMs,
            (request as ISnapshotRequest)?.ReadVersion,
            (request as ITimedRequest)?.GivenTimeoutMs);
    }
}

/// <summary>
/// What makes a request senseless by itself, whatever its method: one rule for each parameter. What may be wrong with a
/// command is <see cref="CommandValidator"/>'s, which apply asks too.
/// </summary>
internal static class RequestRules
{
    /// <summary>The first thing that is wrong with a read; null when nothing is.</summary>
    public static Refusal? Check(in RequestParameters parameters) =>
        CheckKey(parameters.KeyBytes)
        ?? CheckConsistency(parameters.Consistency)
        ?? CheckMaxStaleness(parameters.MaxStalenessMs)
        ?? CheckReadVersion(parameters.ReadVersion)
        ?? CheckTimeout(parameters.TimeoutMs);

    /// <summary>The first thing that is wrong with a command, or with how long its client waits.</summary>
    public static Refusal? Check(KvCommand command, long? timeoutMs) =>
        CommandValidator.Validate(command) is { } invalid ? Refusal.Of(in invalid) : CheckTimeout(timeoutMs);

    /// <summary>The fields that make a retry run once go together.</summary>
    public static Refusal? CheckIdentity(long? clientId, long? sequence) =>
        clientId is null == sequence is null
            ? null
            : Refusal.InvalidArgument(
                $"{(clientId is null ? "client_id" : "sequence")} is missing: client_id and sequence go together");

    private static Refusal? CheckKey(int? bytes) =>
        bytes is int length && CommandValidator.ValidateKey(length) is { } invalid ? Refusal.Of(in invalid) : null;

    private static Refusal? CheckConsistency(ReadConsistency? level) =>
        level is < ReadConsistency.LOCAL or > ReadConsistency.READ_INDEX
            ? Refusal.InvalidArgument(
                $"consistency must be 0 (LOCAL), 1 (LEADER) or 2 (READ_INDEX), not {(int)level}")
            : null;

    private static Refusal? CheckMaxStaleness(int? milliseconds) =>
        milliseconds < 0
            ? Refusal.InvalidArgument($"max_staleness_ms must not be negative, but is {milliseconds}")
            : null;

    private static Refusal? CheckReadVersion(long? version) =>
        version < 0 ? Refusal.InvalidArgument($"read_version must not be negative, but is {version}") : null;

    private static Refusal? CheckTimeout(long? milliseconds) =>
        milliseconds <= 0
            ? Refusal.InvalidArgument($"the timeout must be positive, but is {milliseconds} ms")
            : null;
}
