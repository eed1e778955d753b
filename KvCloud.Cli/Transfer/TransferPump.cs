using System.Runtime.ExceptionServices;
using System.Threading.Channels;

namespace KvCloud.Cli.Transfer;

/// <summary>
/// Processes many entries concurrently in lanes. Entries with the same key share a lane, so they are processed in
/// order.
/// </summary>
internal sealed class TransferPump(int lanes, ByteBudget budget)
{
    private const int WaitingPerLane = 8;

    /// <summary>
    /// Completes when all entries are processed, or throws the first handler's exception after the other lanes have
    /// stopped.
    /// </summary>
    public async Task RunAsync(
        IAsyncEnumerable<TransferItem> items,
        Func<TransferItem, CancellationToken, Task> handle,
        CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Channel<TransferItem>[] channels =
            [.. Enumerable.Range(0, lanes).Select(_ => Channel.CreateBounded<TransferItem>(WaitingPerLane))];
        Task[] workers = [.. channels.Select(channel => WorkAsync(channel.Reader, handle, stop))];
        Exception? failure = null;
        try
        {
            await foreach (TransferItem item in items.WithCancellation(stop.Token))
            {
                await channels[LaneOf(item.Key)].Writer.WriteAsync(item, stop.Token);
            }
        }
        catch (Exception exception)
        {
            failure = exception;
            await stop.CancelAsync();
        }

        foreach (Channel<TransferItem> channel in channels)
        {
            channel.Writer.Complete();
        }

        await ObserveAsync(workers, failure);
        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>Throws the error that stopped the transfer rather than the cancellations it caused.</summary>
    private static async Task ObserveAsync(Task[] workers, Exception? failure)
    {
        await Task.WhenAll(workers).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Exception? cause = workers
            .Select(worker => worker.Exception?.InnerException)
            .FirstOrDefault(exception => exception is not null);
        if ((cause ?? failure) is { } thrown)
        {
            ExceptionDispatchInfo.Throw(thrown);
        }
    }

    private int LaneOf(byte[] key)
    {
        var hash = new HashCode();
        hash.AddBytes(key);
        return (int)((uint)hash.ToHashCode() % (uint)lanes);
    }

    private async Task WorkAsync(
        ChannelReader<TransferItem> items, Func<TransferItem, CancellationToken, Task> handle,
        CancellationTokenSource stop)
    {
        try
        {
            await foreach (TransferItem item in items.ReadAllAsync(stop.Token))
            {
                int held = await budget.TakeAsync(item.SizeBytes, stop.Token);
                try
                {
                    await handle(item, stop.Token);
                }
                finally
                {
                    budget.GiveBack(held);
                }
            }
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            await stop.CancelAsync();
            throw;
        }
    }
}
