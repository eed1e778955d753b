using KvCloud.Node.Access;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication;
using KvCloud.Node.Routing;
using KvCloud.Node.State;

namespace KvCloud.Node;

/// <summary>
/// Makes the first user who may administer the cluster, of a password that this process was given for that. It counts
/// once in the life of a group: where somebody may administer already, it is void.
/// </summary>
internal sealed partial class FirstAdmin(
    RoutingManager routing,
    KvReader reader,
    Authenticator authenticator,
    AuditLog audit,
    IReplicaClock clock,
    TimeProvider time,
    ILogger<FirstAdmin> logger)
    : BackgroundService
{
    public const string UserVariable = "KVCLOUD_ADMIN_USER";
    public const string PasswordVariable = "KVCLOUD_ADMIN_PASSWORD";
    public const string PasswordFileVariable = "KVCLOUD_ADMIN_PASSWORD_FILE";

    private const string DefaultUser = "admin";
    private const int AttemptMs = 5_000;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    /// <summary>How the environment is asked; tests put other answers in its place.</summary>
    public Func<string, string?> Environment { get; init; } = System.Environment.GetEnvironmentVariable;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (ReadPassword() is not { } password)
        {
            return;
        }

        string user = Environment(UserVariable) is { Length: > 0 } given ? given : DefaultUser;
        var change = new AccessChange(AccessAction.CreateFirstAdmin, user);
        bool isWaiting = false;
        try
        {
            while (!stoppingToken.IsCancellationRequested && !reader.Access.HasAdmin)
            {
                if (reader.FeatureLevel >= FeatureLevels.LevelOf(CommandKind.ChangeAccess))
                {
                    change = change.Password is null
                        ? change with { Password = await authenticator.HashAsync(password) }
                        : change;
                    if (change.Password is not null
                        && await TryCreateAsync(change) is KvStatus.Ok or KvStatus.InvalidArgument)
                    {
                        return;
                    }
                }
                else if (!isWaiting)
                {
                    isWaiting = true;
                    Log.Waits(logger, FeatureLevels.LevelOf(CommandKind.ChangeAccess), reader.FeatureLevel);
                }

                await Task.Delay(Pause, time, stoppingToken);
            }
        }
        catch (OperationCanceledException)
        {
            // The node stops: the next start goes on.
            return;
        }

        Log.Void(logger);
    }

    private async Task<KvStatus> TryCreateAsync(AccessChange change)
    {
        KvCommand command = new ChangeAccessCommand(AccessChangeCodec.Encode(change));
        if (CommandValidator.Validate(command) is { } mistake)
        {
            Log.Refused(logger, change.Name, mistake.Message ?? "");
            return mistake.Code;
        }

        var write = new Pending
        {
            Command = CommandCodec.Encode(command),
            DeadlineMs = clock.NowMs + AttemptMs,
        };
        routing.Forward(write);
        CommandResult result = await write.Task;
        if (result.Code == KvStatus.Ok)
        {
            Log.Created(logger, change.Name);
            audit.AccessChanged(Principal.Anonymous, "this process", change.Describe(), "done");
        }

        return result.Code;
    }

    /// <summary>Null where this process was given none.</summary>
    private string? ReadPassword()
    {
        string? password = Environment(PasswordVariable);
        if (string.IsNullOrEmpty(password) && Environment(PasswordFileVariable) is { Length: > 0 } path)
        {
            try
            {
                password = File.ReadAllText(path).TrimEnd('\r', '\n');
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                Log.NoFile(logger, PasswordFileVariable, exception.Message);
                return null;
            }
        }

        if (string.IsNullOrEmpty(password))
        {
            return null;
        }

        if (password.Length is >= AccessLimits.MinPasswordChars and <= AccessLimits.MaxPasswordChars)
        {
            return password;
        }

        Log.BadLength(logger, AccessLimits.MinPasswordChars, AccessLimits.MaxPasswordChars);
        return null;
    }

    private sealed class Pending : PendingWrite
    {
        private readonly TaskCompletionSource<CommandResult> _outcome =
            new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<CommandResult> Task => _outcome.Task;

        protected override void Complete(in CommandResult result) => _outcome.SetResult(result);
    }

    private static partial class Log
    {
        [LoggerMessage(2030, LogLevel.Information,
            "{User} is the first who may administer this cluster; the password that this process was given for that is"
            + " void from now on")]
        public static partial void Created(ILogger logger, string user);

        [LoggerMessage(2031, LogLevel.Information,
            "Somebody may administer this cluster already: the password for a first administrator that this process was"
            + " given is void")]
        public static partial void Void(ILogger logger);

        [LoggerMessage(2032, LogLevel.Information,
            "The first administrator waits for feature level {Level}; the group is at {Current}"
            + " (deployment.feature_level_delay_ms)")]
        public static partial void Waits(ILogger logger, int level, int current);

        [LoggerMessage(2033, LogLevel.Error, "The first administrator cannot be named {User}: {Reason}")]
        public static partial void Refused(ILogger logger, string user, string reason);

        [LoggerMessage(2034, LogLevel.Error, "The file that {Variable} names cannot be read: {Reason}")]
        public static partial void NoFile(ILogger logger, string variable, string reason);

        [LoggerMessage(2035, LogLevel.Error, "The password for a first administrator has {Min} to {Max} characters")]
        public static partial void BadLength(ILogger logger, int min, int max);
    }
}
