using System.Diagnostics;

namespace KvCloud.LocalCluster;

/// <summary>
/// Redirects a child process's output straight to a file, so that the parent, which may be measuring the child, spends
/// no time on reading it.
/// </summary>
internal static class OutputFile
{
    /// <summary>
    /// Changes <paramref name="info"/> to append standard output and error to <paramref name="path"/>. A shell opens
    /// the file and then execs the program: same process id, same environment.
    /// </summary>
    /// <exception cref="PlatformNotSupportedException">Windows has no such shell.</exception>
    public static void Redirect(ProcessStartInfo info, string path)
    {
        if (OperatingSystem.IsWindows())
        {
            throw new PlatformNotSupportedException("Output to a file needs a Unix shell.");
        }

        string[] shell = ["-c", "exec \"$@\" >>\"$0\" 2>&1", path, info.FileName];
        for (int i = 0; i < shell.Length; i++)
        {
            info.ArgumentList.Insert(i, shell[i]);
        }

        info.FileName = "/bin/sh";
        info.RedirectStandardOutput = false;
        info.RedirectStandardError = false;
    }

    /// <summary>The last lines of the file; empty if there is no file.</summary>
    public static IReadOnlyList<string> LastLines(string path, int count) =>
        File.Exists(path) ? [.. File.ReadLines(path).TakeLast(count)] : [];
}
