using KvCloud.Client;
using KvCloud.WebConsole.Sessions;

namespace KvCloud.WebConsole.Data;

/// <summary>Reads and changes whose failure is shown on the page.</summary>
internal static class Attempt
{
    /// <summary>Null: it was read. Otherwise what went wrong, for people.</summary>
    public static async Task<string?> ReadAsync(Func<Task> read)
    {
        try
        {
            await read();
            return null;
        }
        catch (KvCloudException error)
        {
            return error.Message;
        }
    }

    /// <summary>Null: it was done. Otherwise what went wrong, for people.</summary>
    public static Task<string?> ChangeAsync(WriteLock writes, Func<Task> change) => DoAsync(() =>
    {
        writes.Demand();
        return change();
    });

    /// <summary>Null: it was done. Otherwise what went wrong, for people.</summary>
    public static async Task<string?> DoAsync(Func<Task> work)
    {
        try
        {
            await work();
            return null;
        }
        catch (Exception error) when (error is WritesLockedException or ArgumentException)
        {
            return error.Message;
        }
        catch (KvCloudException error)
        {
            return Describe(error);
        }
    }

    /// <summary>Of a change: says whether it is known not to have happened.</summary>
    public static string Describe(KvCloudException error) => error.Message
        + (error.OutcomeKnown ? "" : " It may or may not have happened: look again.");
}
