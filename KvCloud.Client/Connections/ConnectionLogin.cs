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
    private string? _error;

    /// <summary>Counts the attempts; a call remembers it when it is sent.</summary>
    public int Attempts => Volatile.Read(ref _attempts);

    /// <summary>Why the last attempt failed; null after a success.</summary>
    public string? Error => Volatile.Read(ref _error);

    /// <summary>Whether the connection is logged in now.</summary>
    /// <param name="connector">The connection.</param>
    /// <param name="seen"><see cref="Attempts"/> when the call was sent that heard that it is not.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask<bool> RunAsync(Connector connector, int seen, CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            bool hasFailedLately = Error is not null && time.GetElapsedTime(_failedAt) < PauseAfterFailure;
            if (Attempts == seen && !hasFailedLately)
            {
                string? error = await LogInAsync(connector, cancellationToken).ConfigureAwait(false);
                _failedAt = time.GetTimestamp();
                Volatile.Write(ref _error, error);
                Volatile.Write(ref _attempts, seen + 1);
            }

            return Error is null;
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose() => _one.Dispose();

    /// <summary>Null where it succeeded.</summary>
    private async ValueTask<string?> LogInAsync(Connector connector, CancellationToken cancellationToken)
    {
        AuthenticateCall call;
        try
        {
            call = await credentials.NewCallAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            return $"the token provider failed: {exception.Message}";
        }

        Reply reply = await connector.SendAsync(
                in call, default, time.TickMs() + (long)timeout.TotalMilliseconds, cancellationToken)
            .ConfigureAwait(false);
        return reply.Status == ReplyStatus.Answered && reply.Code == ErrorCode.OK
            ? null
            : $"the login failed: {reply.Message ?? reply.Code.ToString()}";
    }
}
