using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace KvCloud.Bench.Wire;

/// <summary>
/// epoll(7), level-triggered: one thread waits for all its sockets in one system call, which no .NET API supports.
/// </summary>
internal sealed class Epoll : IDisposable
{
    public const uint Readable = 0x001;
    public const uint Writable = 0x004;

    private const int Add = 1;
    private const int Modify = 3;
    private const int CloseOnExec = 0x80000;
    private const int Interrupted = 4;
    private const int MaxEvents = 512;
    private const long NanosecondsPerSecond = 1_000_000_000;

    // The kernel packs epoll_event on x86-64 only.
    private static readonly int EventBytes = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;
    private static readonly int DataOffset = EventBytes - 8;

    private readonly byte[] _events = new byte[MaxEvents * EventBytes];
    private readonly byte[] _change = new byte[EventBytes];
    private readonly int _handle;

    public Epoll()
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new BenchException(
                "the generator's own loop needs Linux (epoll); use --driver kvcloud, thrift or etcd-grpc");
        }

        _handle = Create(CloseOnExec);
        Check(_handle);
    }

    public void Watch(SafeSocketHandle socket, int id) => Change(Add, socket, id, Readable);

    public void WatchWrites(SafeSocketHandle socket, int id, bool writes) =>
        Change(Modify, socket, id, writes ? Readable | Writable : Readable);

    /// <summary>
    /// Waits up to <paramref name="timeoutNanoseconds"/>; returns how many events <see cref="Event"/> has.
    /// </summary>
    public int Wait(long timeoutNanoseconds)
    {
        var timeout = new TimeSpec(
            timeoutNanoseconds / NanosecondsPerSecond, timeoutNanoseconds % NanosecondsPerSecond);
        int count = WaitFor(_handle, _events, MaxEvents, ref timeout, 0);
        if (count < 0 && Marshal.GetLastPInvokeError() == Interrupted)
        {
            return 0;
        }

        Check(count);
        return count;
    }

    public (int Id, uint Events) Event(int index)
    {
        Span<byte> at = _events.AsSpan(index * EventBytes, EventBytes);
        return (MemoryMarshal.Read<int>(at[DataOffset..]), MemoryMarshal.Read<uint>(at));
    }

    public void Dispose() => _ = Close(_handle);

    private void Change(int operation, SafeSocketHandle socket, int id, uint events)
    {
        Array.Clear(_change);
        MemoryMarshal.Write(_change, events);
        BinaryPrimitives.WriteInt32LittleEndian(_change.AsSpan(DataOffset), id);
        Check(Control(_handle, operation, (int)socket.DangerousGetHandle(), _change));
    }

    private static void Check(int result)
    {
        if (result < 0)
        {
            throw new BenchException($"epoll failed: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct TimeSpec(long Seconds, long Nanoseconds);

    [DllImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Create(int flags);

    [DllImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Control(int handle, int operation, int descriptor, byte[] change);

    [DllImport("libc", EntryPoint = "epoll_pwait2", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int WaitFor(int handle, byte[] events, int capacity, ref TimeSpec timeout, nint signalMask);

    [DllImport("libc", EntryPoint = "close", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Close(int handle);
}
