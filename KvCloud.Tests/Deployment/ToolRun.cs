using System.Diagnostics;

namespace KvCloud.Tests.Deployment;

/// <summary>Runs a program to its end.</summary>
internal static class ToolRun
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>What it printed on standard output; an exit code other than 0 fails the test.</summary>
    public static async Task<string> OutputAsync(ProcessStartInfo start)
    {
        (int exitCode, string output, string errors) = await RunAsync(start);
        Assert.True(exitCode == 0, $"{start.FileName} ended with exit code {exitCode}:\n{output}{errors}");
        return output;
    }

    /// <inheritdoc cref="OutputAsync(ProcessStartInfo)"/>
    public static Task<string> OutputAsync(string program, params string[] arguments) =>
        OutputAsync(new ProcessStartInfo(program, arguments));

    public static async Task<(int ExitCode, string Output, string Errors)> RunAsync(ProcessStartInfo start)
    {
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        using Process process = Process.Start(start)
            ?? throw new InvalidOperationException($"{start.FileName} did not start");
        using var timeout = new CancellationTokenSource(Patience);
        try
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync(timeout.Token);
            Task<string> errors = process.StandardError.ReadToEndAsync(timeout.Token);
            await process.WaitForExitAsync(timeout.Token);
            return (process.ExitCode, await output, await errors);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{start.FileName} ran for more than {Patience.TotalMinutes} minutes");
        }
    }
}
