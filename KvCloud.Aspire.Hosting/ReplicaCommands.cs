using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.KvCloud;

/// <summary>Dashboard commands of a replica in addition to Aspire's stop, start and restart.</summary>
internal static partial class ReplicaCommands
{
    public const string Kill = "kvcloud-kill";
    public const string Pause = "kvcloud-pause";
    public const string SecondsArgument = "seconds";

    private const int DefaultPauseSeconds = 10;
    private const int LongestPauseSeconds = 600;

    public static IResourceBuilder<T> WithReplicaCommands<T>(
        this IResourceBuilder<T> node, KvCloudResource cluster, KvCloudReplica replica)
        where T : IResource
    {
        if (node.ApplicationBuilder.ExecutionContext.IsPublishMode)
        {
            return node;
        }

        node.WithCommand(
            Kill,
            "Kill",
            context => Task.FromResult(KillProcess(cluster, replica)),
            new CommandOptions
            {
                Description = "SIGKILL: ends the replica's process at once, as a crash does. Start brings it back.",
                ConfirmationMessage =
                    $"Kill {replica.Name}? It ends at once; if it leads, writes wait until another replica does.",
                IconName = "PlugDisconnected",
                UpdateState = EnabledWhileRunning,
            });
        if (!OperatingSystem.IsWindows())
        {
            node.WithCommand(
                Pause,
                "Pause",
                context => PauseProcessAsync(cluster, replica, context),
                new CommandOptions
                {
                    Description = "SIGSTOP: the process freezes with its connections open, then continues.",
                    ConfirmationMessage =
                        $"Pause {replica.Name}? If it leads, writes wait until another replica does.",
                    IconName = "Pause",
                    UpdateState = EnabledWhileRunning,
                    Arguments =
                    [
                        new InteractionInput
                        {
                            Name = SecondsArgument,
                            Label = "Seconds",
                            InputType = InputType.Number,
                            Value = DefaultPauseSeconds.ToString(CultureInfo.InvariantCulture),
                            Required = true,
                        },
                    ],
                });
        }

        return node;
    }

    private static ResourceCommandState EnabledWhileRunning(UpdateCommandStateContext context) =>
        context.ResourceSnapshot.State?.Text == KnownResourceStates.Running
            ? ResourceCommandState.Enabled
            : ResourceCommandState.Disabled;

    private static ExecuteCommandResult KillProcess(KvCloudResource cluster, KvCloudReplica replica)
    {
        bool led = cluster.Status.Leader == replica.Index;
        if (Find(cluster, replica) is not { } process)
        {
            return NotRunning(replica);
        }

        using (process)
        {
            process.Kill();
            return CommandResults.Success(string.Create(
                CultureInfo.InvariantCulture,
                $"Killed {replica.Name}, process {process.Id}{(led ? ", which led" : "")}."));
        }
    }

    private static async Task<ExecuteCommandResult> PauseProcessAsync(
        KvCloudResource cluster, KvCloudReplica replica, ExecuteCommandContext context)
    {
        string? text = context.Arguments.TryGetByName(SecondsArgument, out InteractionInput? input)
            ? input.Value
            : null;
        int seconds = DefaultPauseSeconds;
        if (!string.IsNullOrWhiteSpace(text)
            && !(int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out seconds)
                && seconds is >= 1 and <= LongestPauseSeconds))
        {
            return CommandResults.Failure($"'{text}': a pause lasts 1 to {LongestPauseSeconds} whole seconds.");
        }

        if (Find(cluster, replica) is not { } process)
        {
            return NotRunning(replica);
        }

        using (process)
        {
            Signal(process, StopSignal);
            try
            {
                await Task.Delay(TimeSpan.FromSeconds(seconds), context.CancellationToken).ConfigureAwait(false);
            }
            finally
            {
                if (!process.HasExited)
                {
                    Signal(process, ContinueSignal);
                }
            }

            return CommandResults.Success(string.Create(
                CultureInfo.InvariantCulture, $"Paused {replica.Name}, process {process.Id}, for {seconds} s."));
        }
    }

    private static ExecuteCommandResult NotRunning(KvCloudReplica replica) =>
        CommandResults.Failure($"{replica.Name} has not said yet which process it is; try again in a second.");

    /// <summary>The replica's own process. Aspire may have started `dotnet run`, whose child it is.</summary>
    private static Process? Find(KvCloudResource cluster, KvCloudReplica replica)
    {
        try
        {
            return cluster.Status.Of(replica.Index).ProcessId is { } id ? Process.GetProcessById(id) : null;
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    // Linux and the BSDs, including macOS, number this signal differently.
    private static int StopSignal => OperatingSystem.IsLinux() ? 19 : 17;

    private static int ContinueSignal => OperatingSystem.IsLinux() ? 18 : 19;

    private static void Signal(Process process, int signal)
    {
        if (SendSignal(process.Id, signal) != 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SendSignal(int processId, int signal);
}
