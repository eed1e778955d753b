using System.Diagnostics;
using System.Runtime.InteropServices;
using KvCloud.AppHost.Processes;

namespace KvCloud.AppHost;

/// <summary>
/// What a build without Aspire does about it, once: it tries to have the packages restored, and when that works
/// builds and runs the AppHost anew with them. When not, it says so in one line, remembers it beside the build's
/// other products, and the plain process orchestrator takes over.
/// </summary>
internal static class AspireUpgrade
{
    /// <summary>
    /// Whether the feed has the SDK at all shows in seconds; a machine without a network must not be kept waiting.
    /// </summary>
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(20);

    /// <summary>The dashboard and the orchestrator are some hundred megabytes.</summary>
    private static readonly TimeSpan BuildTimeout = TimeSpan.FromMinutes(5);

    /// <returns>The exit code of the AppHost with Aspire; null when there is no Aspire to be had.</returns>
    public static async Task<int?> RunAsync(IReadOnlyList<string> args)
    {
        if (BuildInfo.AppHostProject is not { } project || BuildInfo.UseAspireWasChosen)
        {
            return null;
        }

        bool? wanted = Wanted();
        string memory = MemoryFile(project);
        if (wanted == false || (wanted is null && File.Exists(memory)))
        {
            return null;
        }

        if (await FindObstacleAsync(project).ConfigureAwait(false) is { } obstacle)
        {
            Remember(memory, obstacle);
            await Console.Error.WriteLineAsync(
                $"Aspire {BuildInfo.AspireVersion} is not to be had here ({obstacle}); running plain processes "
                + $"instead, also from now on (delete {memory} or set UseAspire=true to try again).")
                .ConfigureAwait(false);
            return null;
        }

        return await RunAnewAsync(project, args).ConfigureAwait(false);
    }

    public static string MemoryFile(string project) =>
        Path.Combine(Path.GetDirectoryName(project)!, "obj", $"aspire-{BuildInfo.AspireVersion}.unavailable");

    private static bool? Wanted()
    {
        string? text = System.Environment.GetEnvironmentVariable("UseAspire")
            ?? System.Environment.GetEnvironmentVariable("KVCLOUD_USE_ASPIRE");
        return bool.TryParse(text, out bool wanted) ? wanted : null;
    }

    /// <summary>Null when the AppHost now stands built with Aspire.</summary>
    private static async Task<string?> FindObstacleAsync(string project)
    {
        // Evaluating the project resolves the SDK package and leaves everything else as it is.
        string? obstacle = await RunQuietlyAsync(
            DotNet.Command("msbuild", project, "-nologo", "-p:UseAspire=true", "-getProperty:AspireHostingSDKVersion"),
            ProbeTimeout).ConfigureAwait(false);
        if (obstacle is not null)
        {
            return obstacle;
        }

        await Console.Error.WriteLineAsync(
            $"Fetching Aspire {BuildInfo.AspireVersion} and building the AppHost with it, once.").ConfigureAwait(false);
        return await RunQuietlyAsync(
            DotNet.Command("build", project, "-nologo", "-v", "q", "-c", BuildInfo.Configuration, "-p:UseAspire=true"),
            BuildTimeout).ConfigureAwait(false);
    }

    private static async Task<int> RunAnewAsync(string project, IReadOnlyList<string> args)
    {
        ProcessStartInfo info = DotNet.Command(
            ["run", "--project", project, "--no-build", "-c", BuildInfo.Configuration, "--", .. args]);
        info.Environment["UseAspire"] = "true";
        using Process process = Process.Start(info)!;

        // A terminal tells both of Ctrl-C; anyone else tells only this one.
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(
            PosixSignal.SIGINT, context => context.Cancel = true);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            if (UnixSignals.Supported && !process.HasExited)
            {
                UnixSignals.Send(process.Id, UnixSignals.Terminate);
            }
        });
        await process.WaitForExitAsync().ConfigureAwait(false);
        return process.ExitCode;
    }

    /// <returns>Null on success, else the first thing that went wrong, in few words.</returns>
    private static async Task<string?> RunQuietlyAsync(ProcessStartInfo info, TimeSpan timeout)
    {
        info.RedirectStandardOutput = true;
        info.RedirectStandardError = true;
        using Process process = Process.Start(info)!;
        using var limit = new CancellationTokenSource(timeout);
        try
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync(limit.Token);
            Task<string> errors = process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
            string text = $"{await output.ConfigureAwait(false)}\n{await errors.ConfigureAwait(false)}";
            return process.ExitCode == 0 ? null : Summary(text, process.ExitCode);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            return $"no answer within {timeout.TotalSeconds:0} s";
        }
    }

    private static string Summary(string output, int exitCode)
    {
        List<string> lines =
            [.. output.Split('\n').Select(l => l.Trim()).Where(l => l.Contains("error", StringComparison.Ordinal))];
        // The line that names the package says more than the one that says the SDK was not found.
        string? line = lines.Find(l => l.Contains("Unable to", StringComparison.Ordinal)) ?? lines.FirstOrDefault();
        if (line is null)
        {
            return $"dotnet ended with exit code {exitCode}";
        }

        string words = line[(line.IndexOf("error", StringComparison.Ordinal) + "error".Length)..].Trim(' ', ':', '.');
        return words.Length <= 160 ? words : string.Concat(words.AsSpan(0, 160), "...");
    }

    private static void Remember(string memory, string obstacle)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(memory)!);
            File.WriteAllText(memory, obstacle + "\n");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"It cannot be remembered, and will be tried again next time: {e.Message}");
        }
    }
}
