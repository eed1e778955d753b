using KvCloud.Client;
using KvCloud.Protocol;

namespace KvCloud.Tests.Client;

public sealed class KvCloudClientTests
{
    [Fact]
    public async Task SetAsync_get_and_delete_through_any_node_agree()
    {
        await using var cluster = new ScriptedCluster(3);
        await using var client = new KvCloudClient(cluster.Nodes[2].Endpoint);

        long first = await client.SetAsync("a", "1");
        Assert.Equal("1", await client.GetStringAsync("a"));
        long second = await client.DeleteAsync("a");
        Assert.Null(await client.GetStringAsync("a"));
        Assert.True(second > first);
        Assert.Equal("1", await client.GetStringAsync("a", new KvReadOptions { AtVersion = first }));
        Assert.Equal(cluster.Leader!.Endpoint, client.LeaderEndpoint);
    }

    [Fact]
    public async Task GetEntryAsync_found_key_tells_its_version()
    {
        await using var cluster = new ScriptedCluster(1);
        await using var client = new KvCloudClient(cluster.Endpoints);
        long version = await client.SetAsync(new byte[] { 0, 255 }, Array.Empty<byte>());

        KvEntry? entry = await client.GetEntryAsync(new byte[] { 0, 255 });

        Assert.Equal(version, entry!.Value.Version);
        Assert.Empty(entry.Value.Value);
    }

    [Fact]
    public async Task GetAsync_empty_key_is_refused_before_any_call()
    {
        await using var client = new KvCloudClient("127.0.0.1:1");
        await Assert.ThrowsAsync<ArgumentException>(async () => await client.GetAsync(Array.Empty<byte>()));
    }

    [Fact]
    public async Task RangeAsync_many_pages_yields_every_row_of_one_moment()
    {
        await using var cluster = new ScriptedCluster(3);
        await using var client = new KvCloudClient(cluster.Endpoints);
        for (int i = 0; i < 100; i++)
        {
            await client.SetAsync($"k{i:000}", new string('x', 100));
        }

        var seen = new List<string>();
        await foreach (KvEntry row in client.RangeAsync(KvRange.Prefix("k") with { PageSizeBytes = 1_000 }))
        {
            if (seen.Count == 5)
            {
                // Behind the first page, but later than the moment that is read.
                await client.SetAsync("k0991", "late");
                await client.DeleteAsync("k099");
            }

            seen.Add(System.Text.Encoding.UTF8.GetString(row.Key));
        }

        Assert.Equal([.. Enumerable.Range(0, 100).Select(i => $"k{i:000}")], seen);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(30)]
    public async Task RangeAsync_with_limit_stops_there(int limit)
    {
        await using var cluster = new ScriptedCluster(1);
        await using var client = new KvCloudClient(cluster.Endpoints);
        for (int i = 0; i < 20; i++)
        {
            await client.SetAsync($"k{i:00}", "v");
        }

        int rows = 0;
        await foreach (KvEntry _ in client.RangeAsync(KvRange.All with { Limit = limit, PageSizeBytes = 4 }))
        {
            rows++;
        }

        Assert.Equal(Math.Min(20, limit), rows);
    }

    [Fact]
    public async Task RangeAsync_no_end_goes_to_the_end_of_the_keyspace()
    {
        await using var cluster = new ScriptedCluster(1);
        await using var client = new KvCloudClient(cluster.Endpoints);
        byte[][] keys = [[1], [0xff], [0xff, 0xff], [0xff, 0xff, 1]];
        foreach (byte[] key in keys)
        {
            await client.SetAsync(key, key);
        }

        byte[]? noEnd = null;
        Assert.Equal(4, await CountAsync(KvRange.All));
        Assert.Equal(4, await CountAsync(new KvRange(default, noEnd)));
        Assert.Equal(4, await CountAsync(KvRange.Prefix("")));
        Assert.Equal(3, await CountAsync(KvRange.Prefix(new byte[] { 0xff })));
        Assert.Equal(2, await CountAsync(KvRange.Prefix(new byte[] { 0xff, 0xff })));
        Assert.Equal(1, await CountAsync(KvRange.Prefix(new byte[] { 1 })));

        async Task<int> CountAsync(KvRange range)
        {
            int rows = 0;
            await foreach (KvEntry _ in client.RangeAsync(range))
            {
                rows++;
            }

            return rows + await client.RunAsync(async transaction =>
            {
                int own = 0;
                await foreach (KvEntry _ in transaction.RangeAsync(range))
                {
                    own++;
                }

                return own - rows;
            });
        }
    }

    [Fact]
    public async Task GetManyAsync_keys_and_holes_answers_in_order()
    {
        await using var cluster = new ScriptedCluster(3);
        await using var client = new KvCloudClient(cluster.Endpoints);
        for (int i = 0; i < 600; i += 2)
        {
            await client.SetAsync(BitConverter.GetBytes(i), BitConverter.GetBytes(i * 3));
        }

        byte[]?[] values = await client.GetManyAsync(
            [.. Enumerable.Range(0, 600).Select(i => (ReadOnlyMemory<byte>)BitConverter.GetBytes(i))]);

        for (int i = 0; i < 600; i++)
        {
            Assert.Equal(i % 2 == 0 ? BitConverter.GetBytes(i * 3) : null, values[i]);
        }
    }

    [Fact]
    public async Task SetVersionstampedKeyAsync_and_value_tell_what_they_generated()
    {
        await using var cluster = new ScriptedCluster(3);
        await using var client = new KvCloudClient(cluster.Endpoints);
        byte[] buffer = [(byte)'q', .. new byte[10]];

        KvVersionstamped key = await client.SetVersionstampedKeyAsync(buffer, "v"u8.ToArray());
        KvVersionstamped value = await client.SetVersionstampedValueAsync("k"u8.ToArray(), buffer);

        Assert.Equal("v"u8.ToArray(), await client.GetAsync(key.Generated));
        Assert.Equal(value.Generated, await client.GetAsync("k"u8.ToArray()));
        Assert.Equal(key.Version, System.Buffers.Binary.BinaryPrimitives.ReadInt64BigEndian(key.Generated.AsSpan(1)));
    }

    [Fact]
    public async Task GetClusterHealthAsync_and_other_administrative_calls_answer()
    {
        await using var cluster = new ScriptedCluster(3);
        await using var client = new KvCloudClient(cluster.Nodes[1].Endpoint);

        KvClusterHealth health = await client.GetClusterHealthAsync();
        Assert.Equal([0, 1, 2], health.Nodes.Select(node => node.Id));
        Assert.Equal(cluster.Nodes[0].Endpoint, health.Leader!.Endpoint);
        Assert.Equal(TimeSpan.FromSeconds(61), health.Nodes[1].Uptime);

        KvDatabaseStats stats = await client.GetDatabaseStatsAsync(
            options: new KvReadOptions { Endpoint = cluster.Nodes[2].Endpoint });
        Assert.Equal(7, stats.TotalKeys);
        Assert.Null(stats.CacheHitRatePercent);
        Assert.Single(cluster.Nodes[2].Calls("getDatabaseStats"));

        await client.CreateColumnFamilyAsync("users");
        Assert.Equal(["default", "users"], await client.ListColumnFamiliesAsync());
        KvCloudException exists = await Assert.ThrowsAsync<KvCloudException>(
            async () => await client.CreateColumnFamilyAsync("users"));
        Assert.Equal(ErrorCode.COLUMN_FAMILY_EXISTS, exists.ErrorCode);
        await client.DropColumnFamilyAsync("users");
        Assert.Equal(["default"], await client.ListColumnFamiliesAsync());

        KvPing ping = await client.PingAsync();
        Assert.Equal(DateTimeOffset.UnixEpoch.AddSeconds(1), ping.ServerTime);
        KvCloudException refused = await Assert.ThrowsAsync<KvCloudException>(
            async () => await client.SetFaultInjectionAsync("CONFLICT", 1));
        Assert.Equal(ErrorCode.NOT_SUPPORTED, refused.ErrorCode);
    }

    [Fact]
    public async Task GetAsync_after_dispose_throws_object_disposed()
    {
        await using var cluster = new ScriptedCluster(1);
        var client = new KvCloudClient(cluster.Endpoints);
        await client.SetAsync("a", "1");
        await client.DisposeAsync();
        await client.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await client.GetStringAsync("a"));
    }
}
