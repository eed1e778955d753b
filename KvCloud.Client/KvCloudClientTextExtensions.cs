using System.Text;

namespace KvCloud.Client;

/// <summary>Keys and values as text in UTF-8.</summary>
public static class KvCloudClientTextExtensions
{
    /// <summary>Reads a text; null where there is no such key.</summary>
    /// <param name="client">The client.</param>
    /// <param name="key">The key, one character or more.</param>
    /// <param name="options">How to read; null: as the settings say.</param>
    /// <param name="cancellationToken">Cancels waiting for the answer.</param>
    /// <exception cref="KvCloudException">The read failed.</exception>
    public static async ValueTask<string?> GetStringAsync(
        this KvCloudClient client,
        string key,
        KvReadOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(client);
        byte[]? value = await client.GetAsync(Bytes(key), options, cancellationToken).ConfigureAwait(false);
        return value is null ? null : Encoding.UTF8.GetString(value);
    }

    /// <summary>Writes a text.</summary>
    /// <param name="client">The client.</param>
    /// <param name="key">The key, one character or more.</param>
    /// <param name="value">The value.</param>
    /// <param name="options">How to write; null: as the settings say.</param>
    /// <param name="cancellationToken">Cancels waiting; the write may still happen.</param>
    /// <returns>The commit version of the write.</returns>
    /// <exception cref="KvCloudException">The write failed, or its outcome is unknown.</exception>
    public static ValueTask<long> SetAsync(
        this KvCloudClient client,
        string key,
        string value,
        KvWriteOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(client);
        return client.SetAsync(Bytes(key), Bytes(value), options, cancellationToken);
    }

    /// <summary>Removes a key.</summary>
    /// <param name="client">The client.</param>
    /// <param name="key">The key, one character or more.</param>
    /// <param name="options">How to write; null: as the settings say.</param>
    /// <param name="cancellationToken">Cancels waiting; the delete may still happen.</param>
    /// <returns>The commit version of the delete.</returns>
    /// <exception cref="KvCloudException">The delete failed, or its outcome is unknown.</exception>
    public static ValueTask<long> DeleteAsync(
        this KvCloudClient client,
        string key,
        KvWriteOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(client);
        return client.DeleteAsync(Bytes(key), options, cancellationToken);
    }

    /// <summary>Reads a text in a transaction; null where there is no such key.</summary>
    /// <param name="transaction">The transaction.</param>
    /// <param name="key">The key, one character or more.</param>
    /// <param name="columnFamily">The column family; null for `default`.</param>
    /// <param name="cancellationToken">Cancels waiting for the answer.</param>
    /// <exception cref="KvCloudException">The read failed.</exception>
    public static async ValueTask<string?> GetStringAsync(
        this KvTransaction transaction,
        string key,
        string? columnFamily = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        byte[]? value = await transaction.GetAsync(Bytes(key), columnFamily, cancellationToken).ConfigureAwait(false);
        return value is null ? null : Encoding.UTF8.GetString(value);
    }

    /// <summary>Writes a text at the commit.</summary>
    /// <param name="transaction">The transaction.</param>
    /// <param name="key">The key, one character or more.</param>
    /// <param name="value">The value.</param>
    /// <param name="columnFamily">The column family; null for `default`.</param>
    public static void Set(this KvTransaction transaction, string key, string value, string? columnFamily = null)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        transaction.Set(Bytes(key), Bytes(value), columnFamily);
    }

    /// <summary>Removes a key at the commit.</summary>
    /// <param name="transaction">The transaction.</param>
    /// <param name="key">The key, one character or more.</param>
    /// <param name="columnFamily">The column family; null for `default`.</param>
    public static void Delete(this KvTransaction transaction, string key, string? columnFamily = null)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        transaction.Delete(Bytes(key), columnFamily);
    }

    private static byte[] Bytes(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Encoding.UTF8.GetBytes(text);
    }
}
