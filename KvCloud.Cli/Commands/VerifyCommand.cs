using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using KvCloud.Cli.Transfer;
using KvCloud.Client;
using KvCloud.Protocol;

namespace KvCloud.Cli.Commands;

/// <summary>`kv verify`: reads imported entries back and compares them byte for byte.</summary>
internal static class VerifyCommand
{
    public static Command Create(CommandRunner runner)
    {
        var options = new TransferOptions();
        var each = new Option<bool>("--each-replica")
        {
            Description = "Read from every replica in turn, at one version unless --consistency is given.",
        };
        var command = new Command(
            "verify", "Compare entries with the store, byte for byte. Exit code 1 if one is missing or different.")
        {
            each,
        };
        options.AddTo(command);
        runner.Bind(
            command,
            (context, cancellationToken) => RunAsync(context, options, context.Get(each), cancellationToken),
            TransferOptions.Timeout);
        return command;
    }

    private static async Task<int> RunAsync(
        CommandContext context, TransferOptions options, bool eachReplica, CancellationToken cancellationToken)
    {
        (IAsyncEnumerable<TransferItem> items, _) = options.Open(context, cancellationToken);
        List<TransferItem> wanted = await LastOfEachKey.TakeAsync(items, cancellationToken);
        int code = ExitCode.Ok;
        foreach (string? endpoint in await ClusterCommands.EndpointsAsync(context, eachReplica, cancellationToken))
        {
            var reader = new VerifyReader(context, endpoint, atOneVersion: eachReplica && context.Consistency is null);
            code = ExitCode.Worst(code, await VerifyAsync(context, options, reader, wanted, cancellationToken));
        }

        return code;
    }

    private static async Task<int> VerifyAsync(
        CommandContext context,
        TransferOptions options,
        VerifyReader reader,
        List<TransferItem> wanted,
        CancellationToken cancellationToken)
    {
        var totals = new TransferTotals();
        long started = Stopwatch.GetTimestamp();
        int code = ExitCode.Ok;
        try
        {
            await options.RunAsync(
                context,
                "compared",
                (wanted.ToAsyncEnumerable(), wanted.Count),
                totals,
                (item, token) => CompareAsync(context, reader, item, totals, token),
                cancellationToken);
        }
        catch (KvCloudException exception)
        {
            context.Console.WriteError($"{reader.Name}: {exception.Message}");
            code = ExitCode.For(exception);
        }

        context.Console.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{reader.Name}: {totals.Done} of {wanted.Count} equal, {totals.Failed} not, {totals.Bytes} bytes, "
            + $"{Stopwatch.GetElapsedTime(started).TotalSeconds:0.0} s"));
        return totals.Failed > 0 ? ExitCode.Worst(code, ExitCode.No) : code;
    }

    private static async Task CompareAsync(
        CommandContext context,
        VerifyReader reader,
        TransferItem item,
        TransferTotals totals,
        CancellationToken cancellationToken)
    {
        string? difference = TransferLimits.Check(item);
        if (difference is null)
        {
            try
            {
                byte[] expected = await item.ReadValueAsync(cancellationToken);
                difference = Difference(expected, await reader.GetAsync(item.Key, cancellationToken));
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                difference = exception.Message;
            }
        }

        if (difference is null)
        {
            totals.Succeeded(item.SizeBytes);
        }
        else
        {
            totals.FailedOne();
            context.Console.WriteError($"{reader.Name}: {item.Name}: {difference}");
        }
    }

    private static string? Difference(byte[] expected, byte[]? found)
    {
        if (found is null)
        {
            return "missing";
        }

        int same = expected.AsSpan().CommonPrefixLength(found);
        return same == expected.Length && same == found.Length
            ? null
            : $"different from byte {same} on; {expected.Length} bytes were expected, {found.Length} found";
    }

    /// <summary>Reads from one replica or from any.</summary>
    private sealed class VerifyReader(CommandContext context, string? endpoint, bool atOneVersion)
    {
        private long _version;

        public string Name { get; } = endpoint ?? "cluster";

        public async Task<byte[]?> GetAsync(byte[] key, CancellationToken cancellationToken)
        {
            KvReadOptions options = context.ReadOptions with { Endpoint = endpoint };
            if (!atOneVersion)
            {
                return await context.Client.GetAsync(key, options, cancellationToken);
            }

            long version = Interlocked.Read(ref _version);
            if (version == 0)
            {
                version = await RenewVersionAsync(cancellationToken);
            }

            try
            {
                return await context.Client.GetAsync(key, options with { AtVersion = version }, cancellationToken);
            }
            catch (KvCloudException exception) when (exception.ErrorCode == ErrorCode.VERSION_TOO_OLD)
            {
                // A long comparison can outlive the retention window; continue at a newer version.
                version = await RenewVersionAsync(cancellationToken);
                return await context.Client.GetAsync(key, options with { AtVersion = version }, cancellationToken);
            }
        }

        private async ValueTask<long> RenewVersionAsync(CancellationToken cancellationToken)
        {
            long version = await context.Client.GetReadVersionAsync(null, cancellationToken);
            Interlocked.Exchange(ref _version, version);
            return version;
        }
    }
}
