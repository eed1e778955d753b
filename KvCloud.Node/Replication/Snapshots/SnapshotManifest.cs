using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using KvCloud.Consensus;
using KvCloud.Node.State;

namespace KvCloud.Node.Replication.Snapshots;

/// <summary>One file of a snapshot.</summary>
internal sealed record SnapshotFile(string Name, long SizeBytes, UInt128 Hash);

/// <summary>The manifest of a snapshot: the state that it holds, and its files.</summary>
/// <remarks>
/// Encoded as <c>magic(8) format(4) cluster slot(8) version(8) hash(8) count(4)</c>, each file as
/// <c>name size(8) hash(16)</c>, and a checksum(8) over all of it; texts as <c>length(4) bytes</c>. Little-endian.
/// </remarks>
internal sealed record SnapshotManifest(string ClusterId, AppliedState State, IReadOnlyList<SnapshotFile> Files)
{
    /// <summary>A longer one is refused.</summary>
    public const int MaxSizeBytes = 16 * 1024 * 1024;

    private const int FormatVersion = 1;
    private const int MaxNameChars = 200;

    private static readonly UTF8Encoding StrictUtf8 = new(
        encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public long SizeBytes => Files.Sum(file => file.SizeBytes);

    private static ReadOnlySpan<byte> Magic => "KvSnapsh"u8;

    /// <summary>An id derived from the content; never 0.</summary>
    public static long IdOf(ReadOnlySpan<byte> encoding) =>
        (long)(XxHash3.HashToUInt64(encoding) & (long.MaxValue >> 1)) + 1;

    public byte[] Encode()
    {
        using var content = new MemoryStream();
        using (var writer = new BinaryWriter(content, StrictUtf8, leaveOpen: true))
        {
            writer.Write(Magic);
            writer.Write(FormatVersion);
            WriteText(writer, ClusterId);
            writer.Write(State.Slot.Value);
            writer.Write(State.Version.Value);
            writer.Write(State.StateHash);
            writer.Write(Files.Count);
            foreach (SnapshotFile file in Files)
            {
                WriteText(writer, file.Name);
                writer.Write(file.SizeBytes);
                writer.Write((ulong)(file.Hash >> 64));
                writer.Write((ulong)file.Hash);
            }
        }

        byte[] checksum = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(checksum, XxHash3.HashToUInt64(content.ToArray()));
        content.Write(checksum);
        return content.ToArray();
    }

    /// <exception cref="InvalidDataException">The bytes were not made by <see cref="Encode"/>.</exception>
    public static SnapshotManifest Decode(ReadOnlyMemory<byte> encoding)
    {
        int length = encoding.Length - sizeof(ulong);
        if (length < Magic.Length + sizeof(int) || !encoding.Span.StartsWith(Magic)
            || BinaryPrimitives.ReadUInt64LittleEndian(encoding.Span[length..])
                != XxHash3.HashToUInt64(encoding.Span[..length]))
        {
            throw new InvalidDataException("the manifest of a snapshot fails its checksum");
        }

        using var reader = new BinaryReader(new MemoryStream(encoding[Magic.Length..length].ToArray()));
        try
        {
            int format = reader.ReadInt32();
            return format == FormatVersion
                ? Read(reader)
                : throw new InvalidDataException(
                    $"the snapshot has format {format}; this program knows {FormatVersion}");
        }
        catch (Exception exception) when (exception is EndOfStreamException or ArgumentException)
        {
            throw new InvalidDataException("the manifest of a snapshot ends too early", exception);
        }
    }

    private static SnapshotManifest Read(BinaryReader reader)
    {
        string clusterId = ReadText(reader);
        var state = new AppliedState(
            new Slot(reader.ReadInt64()), new(reader.ReadInt64()), reader.ReadUInt64());
        int count = reader.ReadInt32();
        var files = new List<SnapshotFile>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        long total = 0;
        for (int i = 0; i < count; i++)
        {
            string name = ReadText(reader);
            long sizeBytes = reader.ReadInt64();
            if (!IsPlain(name) || sizeBytes < 0 || sizeBytes > long.MaxValue - total || !names.Add(name))
            {
                throw new InvalidDataException(
                    $"the manifest of a snapshot names file '{name}' of {sizeBytes} bytes: malformed or named twice");
            }

            total += sizeBytes;
            var hash = new UInt128(reader.ReadUInt64(), reader.ReadUInt64());
            files.Add(new SnapshotFile(name, sizeBytes, hash));
        }

        return new SnapshotManifest(clusterId, state, files);
    }

    /// <summary>
    /// A peer names files that are written here: none may escape the directory, or look like an incomplete file.
    /// </summary>
    private static bool IsPlain(string name) =>
        name.Length is > 0 and <= MaxNameChars
        && name[0] != '.'
        && name.All(character => char.IsAsciiLetterOrDigit(character) || character is '.' or '-' or '_')
        && !name.EndsWith(SnapshotPaths.Part, StringComparison.Ordinal);

    private static void WriteText(BinaryWriter writer, string text)
    {
        byte[] bytes = StrictUtf8.GetBytes(text);
        writer.Write(bytes.Length);
        writer.Write(bytes);
    }

    private static string ReadText(BinaryReader reader)
    {
        int length = reader.ReadInt32();

        // Checked first: a reader takes the memory for all that is asked for before it finds that it is not there.
        return length >= 0 && length <= reader.BaseStream.Length - reader.BaseStream.Position
            ? StrictUtf8.GetString(reader.ReadBytes(length))
            : throw new InvalidDataException("the manifest of a snapshot ends in the middle of a text");
    }
}
