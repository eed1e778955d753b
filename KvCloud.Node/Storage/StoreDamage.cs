using System.Globalization;

namespace KvCloud.Node.Storage;

/// <summary>Damage that was found in a data store.</summary>
/// <param name="Table">The table that was read; null if unknown.</param>
/// <param name="File">The damaged file; null if unknown.</param>
/// <param name="What">A description of the damage.</param>
internal sealed record StoreDamage(string? Table, string? File, string What)
{
    /// <summary>One sentence without a full stop, for answers, health and logs.</summary>
    public string Sentence => string.Create(
        CultureInfo.InvariantCulture,
        $"the data store of this replica is damaged, file {File ?? "unknown"}, table {Table ?? "unknown"}: {What}");

    public static StoreDamage Of(StoreCorruptException exception, string? table = null) =>
        new(exception.Table ?? table, exception.File, exception.Message);
}
