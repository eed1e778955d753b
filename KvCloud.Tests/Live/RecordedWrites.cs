using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using KvCloud.Client;
using KvCloud.Protocol;

namespace KvCloud.Tests.Live;

/// <summary>
/// Writers, each key written once with a value that follows from it; every acknowledged version is recorded. So of any
/// version it is known which keys must be there, and which must not.
/// </summary>
internal sealed class RecordedWrites : IAsyncDisposable
{
    private readonly KvCloudClient _client;
    private readonly int _valueBytes;
    private readonly ConcurrentDictionary<string, long> _acknowledged = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Task[] _writers;

    public RecordedWrites(KvCloudClient client, int writers, int valueBytes)
    {
        _client = client;
        _valueBytes = valueBytes;
        _writers = [.. Enumerable.Range(0, writers).Select(writer => Task.Run(() => WriteAsync(writer)))];
    }

    /// <summary>The version of each key that was acknowledged.</summary>
    public IReadOnlyDictionary<string, long> Acknowledged => _acknowledged;

    /// <summary>The highest version that was acknowledged by now.</summary>
    public long Version => _acknowledged.Values.DefaultIfEmpty().Max();

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_writers);
    }

    /// <summary>A replica of a restored cluster has what was there at that version, and nothing else.</summary>
    public async Task CheckAsync(KvCloudClient restored, long version, KvReadOptions options)
    {
        var found = new HashSet<string>();
        await foreach (KvEntry entry in restored.RangeAsync(KvRange.Prefix("w/"u8.ToArray()), options))
        {
            string key = Encoding.UTF8.GetString(entry.Key);
            Assert.Equal(ValueOf(key), entry.Value);
            Assert.False(
                _acknowledged.TryGetValue(key, out long written) && written > version,
                $"{key} was written at {written}, after {version}");
            found.Add(key);
        }

        string[] lost =
        [
            .. _acknowledged.Where(write => write.Value <= version && !found.Contains(write.Key))
                .Select(write => write.Key),
        ];
        Assert.Empty(lost);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
    }

    private async Task WriteAsync(int writer)
    {
        for (int i = 0; !_stop.IsCancellationRequested; i++)
        {
            string key = string.Create(CultureInfo.InvariantCulture, $"w/{writer}/{i:D6}");
            try
            {
                _acknowledged[key] = await _client.SetAsync(Encoding.UTF8.GetBytes(key), ValueOf(key));
            }
            catch (KvCloudException)
            {
                // It may be there at any version, or never: nothing is known of this key.
            }
        }
    }

    /// <summary>Bytes that no compression makes fewer.</summary>
    private byte[] ValueOf(string key)
    {
        byte[] value = new byte[_valueBytes];
        new Random((int)System.IO.Hashing.XxHash32.HashToUInt32(Encoding.UTF8.GetBytes(key))).NextBytes(value);
        return value;
    }
}
