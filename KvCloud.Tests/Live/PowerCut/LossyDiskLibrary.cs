using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using KvCloud.Tests.Node.Diagnostics;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Live.PowerCut;

/// <summary>The library of <c>lossy_disk.c</c>, with which replicas are preloaded; compiled when needed.</summary>
internal static class LossyDiskLibrary
{
    private static readonly Lazy<string> Compiled = new(
        () => Compile("lossy_disk.c", ".so", "-shared", "-fPIC", "-fvisibility=hidden"));

    /// <summary>What keeps the layer from working here; null if nothing does.</summary>
    public static string? Missing =>
        !OperatingSystem.IsLinux() || RuntimeInformation.RuntimeIdentifier.Contains("musl", StringComparison.Ordinal)
            ? "it needs Linux with glibc"
            : Compiler is null ? "no C compiler (cc, gcc or clang) is installed" : null;

    public static string Path => Compiled.Value;

    private static string? Compiler => ((string[])["cc", "gcc", "clang"]).FirstOrDefault(ExternalTool.IsThere);

    /// <summary>Compiles a source of this folder into the build's output, once for each content.</summary>
    public static string Compile(string source, string extension, params IEnumerable<string> options)
    {
        string from = Repository.File("KvCloud.Tests", "Live", "PowerCut", source);
        string hash = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(from)))[..16];
        string to = System.IO.Path.Combine(
            AppContext.BaseDirectory, $"{System.IO.Path.GetFileNameWithoutExtension(source)}-{hash}{extension}");
        if (File.Exists(to))
        {
            return to;
        }

        // Under a name of its own first: another process may compile it at the same time.
        string temporary = $"{to}.{Environment.ProcessId}";
        using Process compiler = Process.Start(new ProcessStartInfo(
            Compiler ?? throw new InvalidOperationException(Missing),
            ["-O2", "-std=gnu11", "-Wall", "-Wextra", "-Werror", .. options, "-o", temporary, from, "-ldl", "-pthread"])
        {
            RedirectStandardError = true,
        })!;
        string errors = compiler.StandardError.ReadToEnd();
        compiler.WaitForExit();
        if (compiler.ExitCode != 0)
        {
            throw new InvalidOperationException($"{from} does not compile:\n{errors}");
        }

        File.Move(temporary, to, overwrite: true);
        return to;
    }
}

/// <summary>A test of the power cut. Where it cannot work it is skipped; where CI is true it runs, and fails.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class PowerCutFactAttribute : FactAttribute
{
    public PowerCutFactAttribute()
    {
        if (LossyDiskLibrary.Missing is { } reason && Environment.GetEnvironmentVariable("CI") != "true")
        {
            Skip = reason;
        }
    }
}
