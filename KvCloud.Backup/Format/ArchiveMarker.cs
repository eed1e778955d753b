using KvCloud.Backup.Stores;

namespace KvCloud.Backup.Format;

/// <summary>Which format an archive has, and of which cluster it is. One cluster, one archive.</summary>
internal sealed record ArchiveMarker(int Format, string ClusterId, DateTimeOffset Created)
{
    /// <summary>What this program writes, and the highest that it reads.</summary>
    public const int CurrentFormat = 1;

    /// <summary>The marker of an archive.</summary>
    /// <exception cref="ArchiveException">There is no archive, or one of a later format.</exception>
    public static async Task<ArchiveMarker> ReadAsync(IArchiveStore store, CancellationToken cancellationToken) =>
        await TryReadAsync(store, cancellationToken)
        ?? throw new ArchiveException($"{store.Address} is no archive of backups: it has no {ArchiveLayout.Marker}");

    /// <summary>The marker; null where there is no archive yet.</summary>
    /// <exception cref="ArchiveException">It is damaged, or of a later format.</exception>
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

    /// <summary>Makes the archive one of that cluster, if it is new.</summary>
    /// <exception cref="ArchiveException">It is that of another cluster.</exception>
    public static async Task ClaimAsync(
        IArchiveStore store, string clusterId, DateTimeOffset now, CancellationToken cancellationToken)
    {
        ArchiveMarker? marker = await TryReadAsync(store, cancellationToken);
        if (marker is null)
        {
            byte[] content = ChecksummedJson.Write(new ArchiveMarker(CurrentFormat, clusterId, now), out _);
            await store.TryCreateAsync(ArchiveLayout.Marker, content, cancellationToken);
        }

        // Another may have been quicker.
        await CheckAsync(store, clusterId, cancellationToken);
    }

    /// <summary>Sees that the archive is still there, and of the cluster: what it lies on may go away.</summary>
    /// <exception cref="ArchiveException">It is not there, or is that of another cluster.</exception>
    public static async Task CheckAsync(
        IArchiveStore store, string clusterId, CancellationToken cancellationToken)
    {
        ArchiveMarker marker = await ReadAsync(store, cancellationToken);
        if (marker.ClusterId != clusterId)
        {
            throw new ArchiveException(
                $"{store.Address} is the archive of cluster '{marker.ClusterId}', not of '{clusterId}'");
        }
    }
}
