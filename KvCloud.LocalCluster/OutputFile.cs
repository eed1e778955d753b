using System.Diagnostics;

namespace KvCloud.LocalCluster;

/// <summary>
/// What a child process writes goes straight into a file: its parent, which may be measuring it, spends nothing on
/// reading it.
/// </summary>
internal static class OutputFile
{
    /// <summary>
    /// Changes <paramref name="info"/> to append both outputs to <paramref name="path"/>. The shell only opens the file
    /// and then becomes the program: same process id, same environment.
    /// </summary>
    /// <exception cref="PlatformNotSupportedException">There is no such shell on Windows.</exception>
    public static void Redirect(ProcessStartInfo info, string path)
    {
        if (OperatingSystem.IsWindows())
        {
            throw new PlatformNotSupportedException("Output into a file needs a Unix shell.");
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

    /// <summary>The last lines of the file; none while there is no file.</summary>
    public static IReadOnlyList<string> LastLines(string path, int count) =>
        File.Exists(path) ? [.. File.ReadLines(path).TakeLast(count)] : [];
}
