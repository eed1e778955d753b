namespace KvCloud.Node.Transport;

/// <summary>A background thread whose end can be awaited. Linux truncates its name to 15 characters.</summary>
internal static class TransportThread
{
    private const int StackBytes = 512 * 1024;

    public static Task Start(string name, Action body)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() => Run(body, ended), StackBytes) { Name = name, IsBackground = true };
        thread.Start();
        return ended.Task;
    }

    private static void Run(Action body, TaskCompletionSource ended)
    {
        try
        {
            body();
            ended.SetResult();
        }
        catch (Exception error)
        {
            ended.SetException(error);
        }
    }
}
