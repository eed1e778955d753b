using KvCloud.Client.Calls;
using KvCloud.Client.Wire;
using KvCloud.Protocol;

namespace KvCloud.Client.Connections;

/// <summary>
/// Who has logged in on one connection: first when it is opened, and again when a call hears that the login has ended.
/// Calls that hear so at once share one attempt.
/// </summary>
internal sealed class ConnectionLogin(Credentials credentials, TimeSpan timeout, TimeProvider time) : IDisposable
{
    /// <summary>What was refused is not tried again at once: a wrong password makes its address wait.</summary>
    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _one = new(1);
    private long _failedAt;
    private int _attempts;
    private Failed? _failed;

    /// <summary>Counts the attempts; a call remembers it when it is sent.</summary>
    public int Attempts => Volatile.Read(ref _attempts);

    /// <summary>Why the last attempt failed; null after a success.</summary>
    public string? Error => Volatile.Read(ref _failed)?.Why;

    /// <summary>Whether the node has not answered the last attempt.</summary>
    public bool IsUnanswered => Volatile.Read(ref _failed) is { Code: null };

    /// <summary>Code: the node's answer; null where there is none.</summary>
    private sealed record Failed(ErrorCode? Code, string Why);

    /// <summary>Whether the connection is logged in now.</summary>
    /// <param name="connector">The connection.</param>
    /// <param name="seen"><see cref="Attempts"/> when the call was sent that heard that it is not.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask<bool> RunAsync(Connector connector, int seen, CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            bool hasFailedLately = _failed is not null && time.GetElapsedTime(_failedAt) < PauseAfterFailure;
            if (Attempts == seen && !hasFailedLately)
            {
                Failed? failed = await LogInAsync(connector, cancellationToken).ConfigureAwait(false);
                _failedAt = time.GetTimestamp();
                Volatile.Write(ref _failed, failed);
                Volatile.Write(ref _attempts, seen + 1);
            }

            return _failed is null;
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>
    /// An answer that nobody has logged in, with the reason. Where this node could not tell whether the login is right,
    /// it counts as such a refusal, since another node may know.
    /// </summary>
    public Reply Explain(in Reply unauthenticated)
    {
        if (Volatile.Read(ref _failed) is not { } failed)
        {
            return unauthenticated;
        }

        ErrorCode code = failed.Code ?? ErrorCode.TIMEOUT;
        return new Reply
        {
            Status = ReplyStatus.Answered,
            Code = ErrorCodes.MayOtherNodeAnswer(code) ? code : unauthenticated.Code,
            Message = failed.Why,
        };
    }

    public void Dispose() => _one.Dispose();

    /// <summary>Null where it succeeded.</summary>
    private async ValueTask<Failed?> LogInAsync(Connector connector, CancellationToken cancellationToken)
    {
        AuthenticateCall call;
        try
        {
            call = await credentials.NewCallAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            return new Failed(ErrorCode.UNAUTHENTICATED, $"the token provider failed: {exception.Message}");
        }

        // Nobody sweeps the deadlines of a connection that is being opened.
        using var timer = new CancellationTokenSource(timeout, time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timer.Token);
        try
        {
            Reply reply = await connector.SendAsync(in call, default, long.MaxValue, limit.Token).ConfigureAwait(false);
            ErrorCode? code = reply.Status == ReplyStatus.Answered ? reply.Code : null;
            return code == ErrorCode.OK
                ? null
                : new Failed(code, $"the login failed: {reply.Message ?? code.ToString()}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new Failed(null, $"the login failed: no answer within {timeout.TotalMilliseconds:0} ms");
        }
    }
}
