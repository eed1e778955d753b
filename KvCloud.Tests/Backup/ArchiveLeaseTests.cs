using System.Diagnostics;
using KvCloud.Backup.Leases;
using KvCloud.Backup.Stores;

namespace KvCloud.Tests.Backup;

public sealed class ArchiveLeaseTests : IDisposable
{
    private readonly ArchiveFixture _archive = new();

    public void Dispose() => _archive.Dispose();

    [Theory]
    [InlineData(LeaseUse.Read, LeaseUse.Prune, false)]
    [InlineData(LeaseUse.Snapshot, LeaseUse.Prune, false)]
    [InlineData(LeaseUse.Prune, LeaseUse.Read, false)]
    [InlineData(LeaseUse.Prune, LeaseUse.Prune, false)]
    [InlineData(LeaseUse.Ship, LeaseUse.Ship, false)]
    [InlineData(LeaseUse.Ship, LeaseUse.Prune, true)]
    [InlineData(LeaseUse.Ship, LeaseUse.Snapshot, true)]
    [InlineData(LeaseUse.Read, LeaseUse.Snapshot, true)]
    [InlineData(LeaseUse.Read, LeaseUse.Read, true)]
    public async Task TakeOnceAsync_beside_another_is_let_in_or_not(object first, object second, bool isLetIn)
    {
        await using ArchiveLease held = await TakeAsync((LeaseUse)first, ArchiveFixture.NoWait);

        if (isLetIn)
        {
            await using ArchiveLease other = await TakeAsync((LeaseUse)second, ArchiveFixture.NoWait);
        }
        else
        {
            LeaseConflictException refused = await Assert.ThrowsAsync<LeaseConflictException>(
                () => TakeAsync((LeaseUse)second, ArchiveFixture.NoWait));
            Assert.Contains(Environment.MachineName, refused.Message, StringComparison.Ordinal);
        }

        Assert.Single(Directory.GetFiles(_archive.PathOf("leases")));
    }

    [Fact]
    public async Task TakeOnceAsync_after_the_other_gave_it_back_is_let_in()
    {
        await (await TakeAsync(LeaseUse.Prune, ArchiveFixture.NoWait)).DisposeAsync();

        await using ArchiveLease lease = await TakeAsync(LeaseUse.Read, ArchiveFixture.NoWait);
    }

    [Fact]
    public async Task TakeOnceAsync_lease_of_a_killed_holder_is_removed_when_it_has_ended()
    {
        await using (ArchiveLease held = await TakeAsync(LeaseUse.Read, ArchiveFixture.NoWait))
        {
            string left = Assert.Single(Directory.GetFiles(_archive.PathOf("leases")));
            File.Copy(left, left.Replace("read-", "read-left-", StringComparison.Ordinal));
            string copy = left.Replace("read-", "read-left-", StringComparison.Ordinal);
            File.SetLastWriteTimeUtc(copy, DateTime.UtcNow.AddSeconds(-61));
        }

        await using ArchiveLease lease = await TakeAsync(LeaseUse.Prune, ArchiveFixture.NoWait);

        Assert.Contains("prune-", Assert.Single(Directory.GetFiles(_archive.PathOf("leases"))));
    }

    [Fact]
    public async Task TakeAsync_lease_that_is_renewed_keeps_others_out_for_longer_than_it_lasts()
    {
        await using ArchiveLease held = await TakeAsync(LeaseUse.Read, ArchiveFixture.Short);
        long until = Environment.TickCount64 + (long)(ArchiveFixture.Short.Ttl * 2).TotalMilliseconds;
        while (Environment.TickCount64 < until)
        {
            await Assert.ThrowsAsync<LeaseConflictException>(
                () => TakeAsync(LeaseUse.Prune, ArchiveFixture.NoWait));
            await Task.Delay(100);
        }

        Assert.False(held.IsLost);
    }

    [Fact]
    public async Task Lost_where_the_store_is_away_is_told_before_the_lease_ends()
    {
        ArchiveLease held = await TakeAsync(LeaseUse.Read, ArchiveFixture.Short);
        string name = Path.GetFileName(Assert.Single(Directory.GetFiles(_archive.PathOf("leases"))));
        DateTime written = File.GetLastWriteTimeUtc(_archive.PathOf($"leases/{name}"));

        // Nothing can be renamed to where it was any more.
        Directory.Move(_archive.PathOf("leases"), _archive.PathOf("away"));
        await File.WriteAllTextAsync(_archive.PathOf("leases"), "in the way");
        var lost = new TaskCompletionSource();
        await using CancellationTokenRegistration heard = held.Lost.Register(lost.SetResult);
        await lost.Task.WaitAsync(TimeSpan.FromSeconds(30));

        Assert.True(held.IsLost);
        Assert.ThrowsAny<Exception>(held.ThrowIfLost);
        File.Delete(_archive.PathOf("leases"));
        Directory.Move(_archive.PathOf("away"), _archive.PathOf("leases"));
        Assert.True(File.GetLastWriteTimeUtc(_archive.PathOf($"leases/{name}")) >= written);
        await held.DisposeAsync();
    }

    [Fact]
    public async Task Lost_while_a_renewal_hangs_is_cancelled_before_the_lease_expires()
    {
        var options = new LeaseOptions { Ttl = TimeSpan.FromSeconds(8) };
        using var store = new HangingStore(_archive.Store);
        long takenAt = Stopwatch.GetTimestamp();
        await using ArchiveLease held =
            await ArchiveLease.TakeOnceAsync(store, LeaseUse.Read, options, CancellationToken.None);
        var lostAfter = new TaskCompletionSource<TimeSpan>();
        await using CancellationTokenRegistration lost =
            held.Lost.Register(() => lostAfter.SetResult(Stopwatch.GetElapsedTime(takenAt)));

        store.Hang();

        Assert.InRange(await lostAfter.Task.WaitAsync(TimeSpan.FromSeconds(30)), TimeSpan.Zero, options.Ttl);
        Assert.True(held.IsLost);
    }

    private Task<ArchiveLease> TakeAsync(LeaseUse use, LeaseOptions options) =>
        ArchiveLease.TakeOnceAsync(_archive.Store, use, options, CancellationToken.None);
}
