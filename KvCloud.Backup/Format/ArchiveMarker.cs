using KvCloud.Backup.Stores;

namespace KvCloud.Backup.Format;

/// <summary>The format of an archive and the cluster that owns it. An archive belongs to one cluster.</summary>
internal sealed record ArchiveMarker(int Format, string ClusterId, DateTimeOffset Created)
{
    /// <summary>The format that this program writes, and the newest that it reads.</summary>
    public const int CurrentFormat = 1;

    /// <summary>The marker of an archive.</summary>
    /// <exception cref="ArchiveException">There is no archive, or its marker is damaged or newer.</exception>
    public static async Task<ArchiveMarker> ReadAsync(IArchiveStore store, CancellationToken cancellationToken) =>
        await TryReadAsync(store, cancellationToken)
        ?? throw new ArchiveException($"{store.Address} is not a backup archive: it has no {ArchiveLayout.Marker}");

    /// <summary>The marker; null where there is no archive yet.</summary>
    /// <exception cref="ArchiveException">The marker is damaged, or of a newer format.</exception>
    public static async Task<ArchiveMarker?> TryReadAsync(IArchiveStore store, CancellationToken cancellationToken)
    {
        byte[]? content = await store.TryReadAsync(
            ArchiveLayout.Marker, ArchiveLayout.MaxJsonBytes, cancellationToken);
        if (content is null)
        {
            return null;
        }

        ArchiveMarker marker = ChecksummedJson.Read<ArchiveMarker>(content, ArchiveLayout.Marker);
        return marker.Format is > 0 and <= CurrentFormat
            ? marker
            : throw new ArchiveException(
                $"{store.Address} has format {marker.Format}; this program knows {CurrentFormat}");
    }

    /// <summary>Creates the archive's marker for the cluster, or checks that the existing one names it.</summary>
    /// <exception cref="ArchiveException">The archive belongs to another cluster.</exception>
    public static async Task ClaimAsync(
        IArchiveStore store, string clusterId, DateTimeOffset now, CancellationToken cancellationToken)
    {
        ArchiveMarker? marker = await TryReadAsync(store, cancellationToken);
        if (marker is null)
        {
            byte[] content = ChecksummedJson.Write(new ArchiveMarker(CurrentFormat, clusterId, now), out _);
            await store.TryCreateAsync(ArchiveLayout.Marker, content, cancellationToken);
        }

        // Another process may have created it first.
        await CheckAsync(store, clusterId, cancellationToken);
    }

    /// <summary>
    /// Checks that the archive is still there and belongs to the cluster: its volume may have been unmounted.
    /// </summary>
    /// <exception cref="ArchiveException">There is no archive here, or it belongs to another cluster.</exception>
    public static async Task CheckAsync(
        IArchiveStore store, string clusterId, CancellationToken cancellationToken)
    {
        ArchiveMarker marker = await ReadAsync(store, cancellationToken);
        if (marker.ClusterId != clusterId)
        {
            throw new ArchiveException(
                $"{store.Address} is the archive of cluster '{marker.ClusterId}', not of '{clusterId}': give each"
                + " cluster an archive of its own");
        }
    }
}
