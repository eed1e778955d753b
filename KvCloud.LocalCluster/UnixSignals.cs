using System.ComponentModel;
using System.Runtime.InteropServices;

namespace KvCloud.LocalCluster;

/// <summary>The signals that stop, kill, pause and resume a replica.</summary>
internal static partial class UnixSignals
{
    public const int Kill = 9;
    public const int Terminate = 15;

    /// <summary>ESRCH in errno.h, the same value on every system: no such process.</summary>
    private const int NoSuchProcess = 3;

    /// <summary>Linux and the BSDs, including macOS, number this signal differently.</summary>
    public static int Stop => OperatingSystem.IsLinux() ? 19 : 17;

    /// <inheritdoc cref="Stop"/>
    public static int Continue => OperatingSystem.IsLinux() ? 18 : 19;

    public static bool Supported => !OperatingSystem.IsWindows();

    /// <param name="processId">
    /// Id of a child that has not been reaped yet, so that the id cannot belong to another process.
    /// </param>
    /// <param name="signal">One of the signals above.</param>
    /// <returns>False if the process has already ended.</returns>
    /// <exception cref="Win32Exception">The signal could not be sent.</exception>
    public static bool Send(int processId, int signal)
    {
        if (!Supported)
        {
            throw new PlatformNotSupportedException("Signals are only supported on Unix.");
        }

        if (SendSignal(processId, signal) == 0)
        {
            return true;
        }

        int error = Marshal.GetLastPInvokeError();
        return error == NoSuchProcess ? false : throw new Win32Exception(error);
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SendSignal(int processId, int signal);
}
