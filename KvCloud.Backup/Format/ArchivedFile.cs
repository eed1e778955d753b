using System.Text.Json.Serialization;

namespace KvCloud.Backup.Format;

/// <summary>One file of a snapshot.</summary>
/// <param name="Name">Its name in the replica's data store; see <see cref="IsPlain"/>.</param>
/// <param name="Hash">XxHash128 of the content.</param>
internal sealed record ArchivedFile(string Name, long SizeBytes, string Hash)
{
    private const int MaxNameChars = 200;

    /// <summary>The object that holds it.</summary>
    [JsonIgnore]
    public string ObjectName => ArchiveLayout.FileOf(Hash, SizeBytes);

    /// <summary>Whether name, size and hash are well-formed. A restore creates files by these names: none may escape
    /// its directory.</summary>
    [JsonIgnore]
    public bool IsPlain =>
        Name.Length is > 0 and <= MaxNameChars
        && Name[0] != '.'
        && Name.All(character => char.IsAsciiLetterOrDigit(character) || character is '.' or '-' or '_')
        && SizeBytes >= 0
        && ContentHash.IsHash(Hash);
}
