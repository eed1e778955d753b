using System.ComponentModel;
using System.Runtime.InteropServices;

namespace KvCloud.LocalCluster;

/// <summary>The signals a replica is stopped, killed, paused and resumed with.</summary>
internal static partial class UnixSignals
{
    public const int Kill = 9;
    public const int Terminate = 15;

    /// <summary>ESRCH of errno.h, the same everywhere: there is no such process.</summary>
    private const int NoSuchProcess = 3;

    /// <summary>Numbered differently on Linux and on the BSDs, macOS among them.</summary>
    public static int Stop => OperatingSystem.IsLinux() ? 19 : 17;

    /// <inheritdoc cref="Stop"/>
    public static int Continue => OperatingSystem.IsLinux() ? 18 : 19;

    public static bool Supported => !OperatingSystem.IsWindows();

    /// <param name="processId">Of a child that has not been waited for yet, so that the id cannot have gone to
    /// another process.</param>
    /// <param name="signal">One of those above.</param>
    /// <returns>False when the process has ended meanwhile.</returns>
    /// <exception cref="Win32Exception">The signal could not be sent.</exception>
    public static bool Send(int processId, int signal)
    {
        if (!Supported)
        {
            throw new PlatformNotSupportedException("Signals are a matter of Unix.");
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
