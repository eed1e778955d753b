using System.Diagnostics;
using System.Text.RegularExpressions;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.RawClients;

/// <summary>
/// Generates clients of other languages from kvstore.thrift and runs them: programs that know nothing of this project.
/// </summary>
internal static partial class RawClientKit
{
    private static readonly TimeSpan RunTimeout = TimeSpan.FromMinutes(5);
    private static readonly Lazy<string?> PythonWithThrift = new(FindPython);

    /// <summary>A Python that has the thrift module; null when there is none.</summary>
    public static string? Python => PythonWithThrift.Value;

    /// <summary>Its full path, for it may not be the one that a shell would take.</summary>
    public static string PythonProgram => Path.IsPathRooted(Python)
        ? Python
        : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
            .Select(folder => Path.Combine(folder, Python ?? "python3"))
            .FirstOrDefault(File.Exists) ?? "python3";

    /// <summary>Links the raw client with the generated code, which is compiled in the folder already.</summary>
    public static Task LinkCppAsync(string folder, string program) => RunInAsync(
        folder,
        "g++",
        [
            "-std=c++17", "-O0", "-I", folder, "-o", program, Script("raw_client.cpp"),
            "TransactionalKV.o", "kvstore_types.o", "-lthrift",
        ]);

    /// <summary>Names of the calls of the service, as kvstore.thrift has them.</summary>
    public static IReadOnlyList<string> Methods()
    {
        string contract = File.ReadAllText(Repository.File("KvCloud.Protocol", "kvstore.thrift"));
        string service = contract[contract.IndexOf("service TransactionalKV", StringComparison.Ordinal)..];
        string[] methods = [.. MethodName().Matches(service).Select(match => match.Groups[1].Value)];
        Assert.True(methods.Length >= 20, "the service of kvstore.thrift could not be read");
        return methods;
    }

    public static string Script(string name) => Repository.File("KvCloud.Tests", "RawClients", name);

    /// <summary>
    /// Runs a program to its end and gives back what it printed; an exit code other than 0 fails the test.
    /// </summary>
    public static Task<string> RunAsync(
        string program, IEnumerable<string> arguments, params (string Name, string Value)[] environment) =>
        RunInAsync(Environment.CurrentDirectory, program, arguments, environment);

    /// <summary>As <see cref="RunAsync"/>, in a folder of its own.</summary>
    public static async Task<string> RunInAsync(
        string folder, string program, IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string? name, string? value) in environment)
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start");
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        using var timeout = new CancellationTokenSource(RunTimeout);
        try
        {
            await process.WaitForExitAsync(timeout.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} ran for more than {RunTimeout.TotalMinutes} minutes");
        }

        string said = await output + await errors;
        Assert.True(process.ExitCode == 0, $"{program} ended with exit code {process.ExitCode}:\n{said}");
        return said;
    }

    /// <summary>
    /// The module may be there for the system's Python only, while another one comes first on the path.
    /// </summary>
    private static string? FindPython() =>
        Array.Find(["python3", "/usr/bin/python3"], candidate =>
        {
            try
            {
                using var process = Process.Start(new ProcessStartInfo(candidate, ["-c", "import thrift"])
                {
                    RedirectStandardError = true,
                });
                process!.WaitForExit();
                return process.ExitCode == 0;
            }
            catch (System.ComponentModel.Win32Exception)
            {
                // No such program.
                return false;
            }
        });

    [GeneratedRegex(@"^  \w+Response (\w+)\(1:", RegexOptions.Multiline)]
    private static partial Regex MethodName();
}
