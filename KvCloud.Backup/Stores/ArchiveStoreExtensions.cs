using System.Buffers;

namespace KvCloud.Backup.Stores;

internal static class ArchiveStoreExtensions
{
    private const int CopyBytes = 256 * 1024;

    /// <summary>Reads a whole object into memory; null if there is none.</summary>
    /// <exception cref="ArchiveException">The object is larger than <paramref name="maxBytes"/>.</exception>
    public static async Task<byte[]?> TryReadAsync(
        this IArchiveStore store, string name, long maxBytes, CancellationToken cancellationToken)
    {
        await using Stream? stream = await store.TryOpenAsync(name, cancellationToken);
        if (stream is null)
        {
            return null;
        }

        using var content = new MemoryStream();
        await CopyAsync(
            stream,
            piece =>
            {
                content.Write(piece.Span);
                return content.Length <= maxBytes
                    ? Task.CompletedTask
                    : throw new ArchiveException($"{name} in {store.Address} is larger than {maxBytes} bytes");
            },
            cancellationToken);
        return content.ToArray();
    }

    /// <summary>Passes a stream on piece by piece; all pieces share one buffer.</summary>
    public static async Task CopyAsync(
        Stream stream, Func<ReadOnlyMemory<byte>, Task> onPiece, CancellationToken cancellationToken)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(CopyBytes);
        try
        {
            int count;
            while ((count = await stream.ReadAsync(buffer, cancellationToken)) > 0)
            {
                await onPiece(buffer.AsMemory(0, count));
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>A complete listing, ordered by name.</summary>
    public static async Task<List<StoredObject>> ListAllAsync(
        this IArchiveStore store, string folder, CancellationToken cancellationToken)
    {
        var objects = new List<StoredObject>();
        await foreach (StoredObject stored in store.ListAsync(folder, cancellationToken))
        {
            objects.Add(stored);
        }

        objects.Sort((left, right) => string.CompareOrdinal(left.Name, right.Name));
        return objects;
    }
}
