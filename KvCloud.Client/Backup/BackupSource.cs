using System.Buffers.Binary;
using System.Security.Cryptography;
using KvCloud.Client.Calls;
using KvCloud.Client.Wire;

namespace KvCloud.Client.Backup;

/// <summary>
/// One replica as the source of a backup: its snapshot, and the log that follows it. What it has still to read is kept
/// there as long as it asks at least once a minute.
/// </summary>
internal sealed class BackupSource(KvCloudClient client, string endpoint, string? authToken)
{
    public const int MaxPieceBytes = 1024 * 1024;
    public const int MaxLogBytes = 4 * 1024 * 1024;
    public const int MaxWaitMs = 30_000;

    /// <summary>What a call may take beside what it waits for.</summary>
    private static readonly TimeSpan CallTime = TimeSpan.FromSeconds(30);

    private readonly long _readerId = BinaryPrimitives.ReadInt64LittleEndian(RandomNumberGenerator.GetBytes(8));

    public string Endpoint => endpoint;

    /// <summary>Null while the replica makes one: ask again.</summary>
    /// <param name="aboveSlot">Only one of a later slot will do; null: any.</param>
    /// <param name="cancellationToken">Cancels waiting for the answer.</param>
    /// <exception cref="KvCloudException">The call failed.</exception>
    public async ValueTask<SourceSnapshot?> OpenSnapshotAsync(
        long? aboveSlot = null, CancellationToken cancellationToken = default)
    {
        var call = new OpenSnapshotCall(_readerId, aboveSlot, authToken);
        Reply reply = await client.CallAsync(call, Options(0), cancellationToken).ConfigureAwait(false);
        return await StructReader.ReadSnapshotAsync(reply, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Shorter than asked for only at the end of the file.</summary>
    /// <exception cref="KvCloudException">
    /// SNAPSHOT_GONE: the replica does not have it any more, and another must be opened. Or the call failed.
    /// </exception>
    public async ValueTask<byte[]> ReadSnapshotAsync(
        long snapshotId, int file, long offset, int count, CancellationToken cancellationToken = default)
    {
        var call = new ReadSnapshotCall(_readerId, snapshotId, file, offset, count, authToken);
        Reply reply = await client.CallAsync(call, Options(0), cancellationToken).ConfigureAwait(false);
        return await StructReader.ReadContentAsync(reply, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Slots that are chosen and applied there, from the given one on.</summary>
    /// <param name="fromSlot">The first slot wanted.</param>
    /// <param name="maxBytes">About so much at most, but one slot at least.</param>
    /// <param name="waitMs">How long to wait if there are none.</param>
    /// <param name="cancellationToken">Cancels waiting for the answer.</param>
    /// <exception cref="KvCloudException">
    /// LOG_TRIMMED: the log begins later by now, and a snapshot must be opened. Or the call failed.
    /// </exception>
    public async ValueTask<SourceLog> ReadLogAsync(
        long fromSlot, int maxBytes = MaxLogBytes, int waitMs = 0, CancellationToken cancellationToken = default)
    {
        var call = new ReadLogCall(_readerId, fromSlot, maxBytes, waitMs, authToken);
        Reply reply = await client.CallAsync(call, Options(waitMs), cancellationToken).ConfigureAwait(false);
        return await StructReader.ReadLogAsync(reply, cancellationToken).ConfigureAwait(false);
    }

    private KvReadOptions Options(int waitMs) => new()
    {
        Endpoint = endpoint,
        Timeout = CallTime + TimeSpan.FromMilliseconds(waitMs),
    };
}
