using System.Runtime.InteropServices;

namespace KvCloud.Node.Rpc.Connections;

/// <summary>
/// Priority of single threads. .NET's own <see cref="Thread.Priority"/> does nothing on Linux, where each thread has a
/// nice value that anybody may raise.
/// </summary>
internal static partial class ThreadNiceness
{
    /// <summary>
    /// About a tenth of a normal thread's share of a core that both want; all of it where nobody else does.
    /// </summary>
    private const int Nice = 10;

    private const int PriorityOfProcess = 0;

    /// <summary>Where the system has no such thing, or refuses, all stays as it is.</summary>
    public static void RaiseOfThisThread()
    {
        if (OperatingSystem.IsLinux())
        {
            // To Linux a thread is a process, and 0 is the caller.
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
