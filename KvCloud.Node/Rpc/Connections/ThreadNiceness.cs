using System.Runtime.InteropServices;

namespace KvCloud.Node.Rpc.Connections;

/// <summary>
/// Priority of individual threads. .NET's <see cref="Thread.Priority"/> has no effect on Linux, where each thread has a
/// nice value that it may raise without privileges.
/// </summary>
internal static partial class ThreadNiceness
{
    /// <summary>
    /// Under contention this is about a tenth of a normal thread's share of a core; without contention, all of it.
    /// </summary>
    private const int Nice = 10;

    private const int PriorityOfProcess = 0;

    /// <summary>
    /// Raises the calling thread's nice value. If the system does not support it or refuses, nothing changes.
    /// </summary>
    public static void RaiseOfThisThread()
    {
        if (OperatingSystem.IsLinux())
        {
            // Linux treats a thread as a process here, and 0 means the caller.
            _ = SetPriority(PriorityOfProcess, 0, Nice);
        }
        else
        {
            Thread.CurrentThread.Priority = ThreadPriority.BelowNormal;
        }
    }

    [LibraryImport("libc", EntryPoint = "setpriority")]
    private static partial int SetPriority(int which, uint who, int priority);
}
