using System.Diagnostics;
using KvCloud.Tests.Node.Diagnostics;

namespace KvCloud.Tests.RawClients;

/// <summary>
/// Generates clients of other languages from kvstore.thrift and runs them: programs that know nothing of this project.
/// </summary>
internal static class RawClientKit
{
    /// <summary>Of the generation that the compiler's code is written for.</summary>
    private const string NodeThriftPackage = "thrift@0.17.0";

    private static readonly TimeSpan RunTimeout = TimeSpan.FromMinutes(5);
    private static readonly Lazy<string?> PythonWithThrift = new(FindPython);

    /// <summary>A Python that has the thrift module; null when there is none.</summary>
    public static string? Python => PythonWithThrift.Value;

    /// <summary>Writes the generated code of a language (`py`, `js:node`, `cpp`) into a folder.</summary>
    public static Task GenerateAsync(string language, string folder) =>
        RunAsync("thrift", ["--gen", language, "-out", folder, Repository.File("KvCloud.Protocol", "kvstore.thrift")]);

    public static Task InstallNodeThriftAsync(string folder) =>
        RunAsync("npm", ["install", "--no-audit", "--no-fund", "--prefix", folder, NodeThriftPackage]);

    public static Task CompileCppAsync(string generated, string program) => RunAsync(
        "g++",
        [
            "-std=c++17", "-O0", "-I", generated, "-o", program, Script("raw_client.cpp"),
            Path.Combine(generated, "TransactionalKV.cpp"), Path.Combine(generated, "kvstore_types.cpp"), "-lthrift",
        ]);

    public static string Script(string name) => Repository.File("KvCloud.Tests", "RawClients", name);

    /// <summary>Runs a program to its end and gives back what it printed; an exit code other than 0 fails the test.</summary>
    public static async Task<string> RunAsync(
        string program, IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start");
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
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
        var said = await output + await errors;
        Assert.True(process.ExitCode == 0, $"{program} ended with exit code {process.ExitCode}:\n{said}");
        return said;
    }

    /// <summary>The module may be there for the system's Python only, while another one comes first on the path.</summary>
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
}
