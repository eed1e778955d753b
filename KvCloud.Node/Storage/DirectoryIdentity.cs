using System.Globalization;
using System.IO.Hashing;
using System.Text;

namespace KvCloud.Node.Storage;

/// <summary>
/// The owner of a data directory: the content of its identity file, human-readable, with a checksum.
/// </summary>
/// <param name="Incarnation">
/// Drawn at random when the directory was created. A node that lost its disk comes back with another one, which tells
/// its peers that it has forgotten its promises.
/// </param>
/// <param name="Voters">
/// The ids of the voters that its group began with, ascending and separated by commas; empty for an added node.
/// </param>
/// <param name="HasStores">
/// The log, the data store and the incarnations file were created: if one is missing from then on, it was lost.
/// </param>
/// <param name="IsFormed">
/// All other voters remember this incarnation, so the replica may take part in consensus. Format 3 did not record it; a
/// replica that had its stores may have voted and is considered formed.
/// </param>
internal sealed record DirectoryIdentity(
    string ClusterId, int NodeId, long Incarnation, string Voters, bool HasStores, bool IsFormed)
{
    private const int FormatVersion = 4;
    private const int FormatWithoutFormed = 3;
    private const string Made = "made";
    private const string NotMade = "none";
    private const string Yes = "yes";
    private const string No = "no";

    public string Write()
    {
        string body = string.Create(
            CultureInfo.InvariantCulture,
            $"format={FormatVersion}\ncluster_id={ClusterId}\nnode_id={NodeId}\nincarnation={Incarnation}\n"
            + $"voters={Voters}\nstores={(HasStores ? Made : NotMade)}\nformed={(IsFormed ? Yes : No)}\n");
        return $"{body}checksum={Checksum(body)}\n";
    }

    /// <exception cref="DataDirectoryCorruptException">The text is not what <see cref="Write"/> produces.</exception>
    public static DirectoryIdentity Read(string text, string path)
    {
        string[] lines = text.Split('\n');
        string? format = ValueOf(lines, 0, "format");
        bool saysFormed = format == $"{FormatVersion}";
        if (format is not null && !saysFormed && format != $"{FormatWithoutFormed}")
        {
            throw new DataDirectoryCorruptException(
                $"{path} has format {format}; this program knows {FormatWithoutFormed} and {FormatVersion}.");
        }

        string? clusterId = ValueOf(lines, 1, "cluster_id");
        int bodyLength = text.LastIndexOf("checksum=", StringComparison.Ordinal);
        if (clusterId is null
            || bodyLength < 0
            || ValueOf(lines, saysFormed ? 7 : 6, "checksum") != Checksum(text[..bodyLength])
            || !int.TryParse(ValueOf(lines, 2, "node_id"), CultureInfo.InvariantCulture, out int nodeId)
            || !long.TryParse(ValueOf(lines, 3, "incarnation"), CultureInfo.InvariantCulture, out long incarnation))
        {
            throw new DataDirectoryCorruptException($"{path} is damaged: its checksum or its form is wrong.");
        }

        bool hasStores = ValueOf(lines, 5, "stores") == Made;
        return new DirectoryIdentity(
            clusterId,
            nodeId,
            incarnation,
            ValueOf(lines, 4, "voters") ?? "",
            hasStores,
            saysFormed ? ValueOf(lines, 6, "formed") == Yes : hasStores);
    }

    private static string? ValueOf(string[] lines, int line, string name) =>
        line < lines.Length && lines[line].StartsWith(name + "=", StringComparison.Ordinal)
            ? lines[line][(name.Length + 1)..]
            : null;

    private static string Checksum(string body) =>
        XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(body)).ToString("x16", CultureInfo.InvariantCulture);
}
