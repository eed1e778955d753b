using System.Diagnostics.Metrics;
using KvCloud.Client;

namespace KvCloud.Cli.Bank;

/// <summary>One process of the bank: several clients that transfer money until they are told to stop.</summary>
internal sealed class BankWorker : IDisposable
{
    private readonly KvCloudClient _client;
    private readonly BankAccounts _accounts;
    private readonly MeterListener _listener = new();
    private long _transfers;
    private long _conflicts;
    private long _retries;
    private long _unknownResolved;
    private long _unknownLeft;
    private long _givenUp;

    public BankWorker(KvCloudClient client, BankAccounts accounts)
    {
        _client = client;
        _accounts = accounts;
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == "KvCloud.Client" && instrument is Counter<long>)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>(Count);
        _listener.Start();
    }

    public BankCounters Counters => new()
    {
        Transfers = Interlocked.Read(ref _transfers),
        Conflicts = Interlocked.Read(ref _conflicts),
        Retries = Interlocked.Read(ref _retries),
        UnknownResolved = Interlocked.Read(ref _unknownResolved),
        UnknownLeft = Interlocked.Read(ref _unknownLeft),
        GivenUp = Interlocked.Read(ref _givenUp),
    };

    /// <summary>
    /// Transfers money until <paramref name="until"/> is cancelled; a transfer in progress is completed.
    /// </summary>
    public Task RunAsync(int clients, CancellationToken until, CancellationToken cancellationToken) =>
        Task.WhenAll(Enumerable.Range(0, clients).Select(_ => MoveAsync(until, cancellationToken)));

    public void Dispose() => _listener.Dispose();

    private async Task MoveAsync(CancellationToken until, CancellationToken cancellationToken)
    {
        while (!until.IsCancellationRequested)
        {
            try
            {
                await _accounts.TransferAsync(_client, cancellationToken);
                Interlocked.Increment(ref _transfers);
            }
            catch (KvCloudException exception) when (!exception.OutcomeKnown)
            {
                Interlocked.Increment(ref _unknownLeft);
            }
            catch (KvCloudException exception) when (exception.IsTransient)
            {
                Interlocked.Increment(ref _givenUp);
            }
        }
    }

    private void Count(
        Instrument instrument, long count, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? state)
    {
        switch (instrument.Name)
        {
            case "kvcloud.client.retries":
                Interlocked.Add(ref _retries, count);
                break;
            case "kvcloud.client.transaction.retries" when IsConflict(tags):
                Interlocked.Add(ref _conflicts, count);
                break;
            case "kvcloud.client.unknown_outcomes.resolved":
                Interlocked.Add(ref _unknownResolved, count);
                break;
        }
    }

    private static bool IsConflict(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        foreach (KeyValuePair<string, object?> tag in tags)
        {
            if (tag.Value is "CONFLICT")
            {
                return true;
            }
        }

        return false;
    }
}
