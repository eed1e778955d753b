using System.Buffers.Binary;
using System.IO.Hashing;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Storage;

/// <summary>The directory cannot be used by this node; the message says why in one sentence.</summary>
internal sealed class DataDirectoryException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>To whom a data directory belongs. The incarnation is drawn at random when it is made.</summary>
internal sealed record DataIdentity(string ClusterId, int NodeId, long Incarnation);

/// <summary>
/// One replica's folder: <c>identity</c> (whose it is), <c>lock</c> (who uses it now), <c>incarnations</c> (of the peers),
/// <c>log/</c> and <c>data/</c>. Held by one process at a time.
/// </summary>
internal sealed class DataDirectory : IDisposable
{
    private const int FormatVersion = 1;

    private readonly FileStream _lock;

    private DataDirectory(string path, FileStream held, DataIdentity identity)
    {
        Path = path;
        _lock = held;
        Identity = identity;
    }

    public string Path { get; }

    public DataIdentity Identity { get; }

    public string LogPath => System.IO.Path.Combine(Path, "log");

    public string DataPath => System.IO.Path.Combine(Path, "data");

    public string IncarnationsPath => System.IO.Path.Combine(Path, "incarnations");

    /// <summary>Opens the folder, or makes it and gives it an identity.</summary>
    /// <exception cref="DataDirectoryException">It is another node's, another cluster's, in use, damaged or unwritable.</exception>
    public static DataDirectory Open(string path, string clusterId, int nodeId)
    {
        try
        {
            Directory.CreateDirectory(path);
            FileStream held = Hold(path);
            try
            {
                return new DataDirectory(path, held, ReadOrMakeIdentity(path, clusterId, nodeId));
            }
            catch
            {
                held.Dispose();
                throw;
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DataDirectoryException($"The data directory {path} cannot be used: {exception.Message}", exception);
        }
    }

    public void Dispose() => _lock.Dispose();

    private static FileStream Hold(string path)
    {
        string file = System.IO.Path.Combine(path, "lock");
        try
        {
            var held = new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            WriteHolder(path);
            return held;
        }
        catch (IOException exception) when (File.Exists(file))
        {
            throw new DataDirectoryException(
                $"The data directory {path} is in use by another process{Holder(path)}; two nodes cannot share one.",
                exception);
        }
    }

    /// <summary>The lock itself cannot be read while it is held, so who holds it stands beside it.</summary>
    private static void WriteHolder(string path) => File.WriteAllText(
        System.IO.Path.Combine(path, "lock.pid"),
        Environment.ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture));

    private static string Holder(string path)
    {
        string file = System.IO.Path.Combine(path, "lock.pid");
        return File.Exists(file) ? $" (process {File.ReadAllText(file).Trim()})" : "";
    }

    private static DataIdentity ReadOrMakeIdentity(string path, string clusterId, int nodeId)
    {
        string file = System.IO.Path.Combine(path, "identity");
        if (!File.Exists(file))
        {
            RefuseUnnamedData(path);
            long incarnation = BinaryPrimitives.ReadInt64LittleEndian(RandomNumberGenerator.GetBytes(sizeof(long)));
            var made = new DataIdentity(clusterId, nodeId, incarnation);
            DurableFile.Replace(file, Encode(made));
            return made;
        }

        DataIdentity identity = Decode(File.ReadAllBytes(file), file);
        if (identity.ClusterId != clusterId)
        {
            throw new DataDirectoryException(
                $"The data directory {path} belongs to the cluster '{identity.ClusterId}', not to '{clusterId}'.");
        }

        if (identity.NodeId != nodeId)
        {
            throw new DataDirectoryException(
                $"The data directory {path} belongs to node-{identity.NodeId}, not to node-{nodeId}.");
        }

        return identity;
    }

    private static void RefuseUnnamedData(string path)
    {
        if (Directory.Exists(System.IO.Path.Combine(path, "log")) || Directory.Exists(System.IO.Path.Combine(path, "data")))
        {
            throw new DataDirectoryException(
                $"The data directory {path} holds data but no identity file: it is not known whose it is.");
        }
    }

    /// <summary>A line of JSON and a line with its checksum: an operator can read it.</summary>
    private static byte[] Encode(DataIdentity identity)
    {
        string json = JsonSerializer.Serialize(new { format = FormatVersion, identity.ClusterId, identity.NodeId, identity.Incarnation });
        return Encoding.UTF8.GetBytes($"{json}\n{Checksum(json)}\n");
    }

    private static DataIdentity Decode(byte[] bytes, string file)
    {
        string[] lines = Encoding.UTF8.GetString(bytes).Split('\n');
        if (lines.Length < 2 || lines[1] != Checksum(lines[0]))
        {
            throw new DataDirectoryException($"The identity file {file} is damaged: its checksum is wrong.");
        }

        using JsonDocument document = JsonDocument.Parse(lines[0]);
        int format = document.RootElement.GetProperty("format").GetInt32();
        return format == FormatVersion
            ? JsonSerializer.Deserialize<DataIdentity>(lines[0])!
            : throw new DataDirectoryException(
                $"The identity file {file} has format {format}; this program knows only {FormatVersion}.");
    }

    private static string Checksum(string text) =>
        Convert.ToHexString(XxHash3.Hash(Encoding.UTF8.GetBytes(text)));
}
