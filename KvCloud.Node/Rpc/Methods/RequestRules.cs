using KvCloud.Node.Operations;
using KvCloud.Node.State;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>
/// The parameters of a read that <see cref="RequestRules"/> checks; null if the method has no such parameter or the
/// client did not set it.
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
/// Validates requests independently of their method, one rule per parameter. <see cref="CommandValidator"/> validates
/// the content of commands, and apply uses it too.
/// </summary>
internal static class RequestRules
{
    /// <summary>The first error of a read's parameters, or null.</summary>
    public static Refusal? Check(in RequestParameters parameters) =>
        CheckKey(parameters.KeyBytes)
        ?? CheckConsistency(parameters.Consistency)
        ?? CheckMaxStaleness(parameters.MaxStalenessMs)
        ?? CheckReadVersion(parameters.ReadVersion)
        ?? CheckTimeout(parameters.TimeoutMs);

    /// <summary>The first error of a command or its timeout, or null.</summary>
    public static Refusal? Check(KvCommand command, long? timeoutMs) =>
        CommandValidator.Validate(command) is { } invalid ? Refusal.Of(in invalid) : CheckTimeout(timeoutMs);

    /// <summary>client_id and sequence, which make a retry run once, must be set together.</summary>
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
