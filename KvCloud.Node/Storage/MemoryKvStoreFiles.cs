using System.Buffers.Binary;
using System.Collections.Immutable;
using System.IO.Hashing;
using System.Text;
using KvCloud.Node.Files;
using KvCloud.Node.Operations;

namespace KvCloud.Node.Storage;

/// <summary>A checkpoint of the store in memory: a file for each table, and one of the versions.</summary>
internal sealed partial class MemoryKvStore
{
    private const string VersionsFile = "versions";

    /// <summary>What a checkpoint holds, as a store that is flushed.</summary>
    public static MemoryKvStore Load(IFileSystem files, string directory)
    {
        var root = new Root(
            [
                .. Enum.GetValues<KvTable>().Select(table => ReadTable(files, Path.Combine(directory, NameOf(table)))),
            ],
            ReadVersions(files, Path.Combine(directory, VersionsFile), out CommitVersion oldest),
            oldest);
        return new MemoryKvStore { _root = root, _flushed = root };
    }

    public void CreateCheckpoint(IFileSystem files, string directory)
    {
        Root root = _root;
        if (_damagedKey is byte[] damaged)
        {
            ThrowIfDamaged(damaged);
        }

        files.CreateDirectory(directory);
        foreach (KvTable table in Enum.GetValues<KvTable>())
        {
            Write(files, Path.Combine(directory, NameOf(table)), writer => WriteTable(writer, root.Tables[(int)table]));
        }

        Write(files, Path.Combine(directory, VersionsFile), writer => WriteVersions(writer, root));
    }

    private static string NameOf(KvTable table) => table.ToString().ToLowerInvariant();

    private static void Write(IFileSystem files, string path, Action<BinaryWriter> fill)
    {
        using var content = new MemoryStream();
        using (var writer = new BinaryWriter(content, Encoding.UTF8, leaveOpen: true))
        {
            fill(writer);
        }

        byte[] checksum = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(checksum, XxHash3.HashToUInt64(content.ToArray()));
        content.Write(checksum);
        files.WriteAllBytes(path, content.ToArray());
    }

    private static BinaryReader Open(IFileSystem files, string path)
    {
        byte[] content = files.ReadAllBytes(path);
        int length = content.Length - sizeof(ulong);
        return length >= 0
            && BinaryPrimitives.ReadUInt64LittleEndian(content.AsSpan(length))
                == XxHash3.HashToUInt64(content.AsSpan(0, length))
            ? new BinaryReader(new MemoryStream(content, 0, length))
            : throw new StoreCorruptException($"{path} fails its checksum");
    }

    private static void WriteTable(BinaryWriter writer, ImmutableSortedSet<Entry> table)
    {
        writer.Write(table.Count);
        foreach (Entry entry in table)
        {
            WriteBytes(writer, entry.Key);
            WriteBytes(writer, entry.Value);
        }
    }

    private static ImmutableSortedSet<Entry> ReadTable(IFileSystem files, string path)
    {
        using BinaryReader reader = Open(files, path);
        int count = reader.ReadInt32();
        ImmutableSortedSet<Entry>.Builder table = ImmutableSortedSet.CreateBuilder<Entry>(ByKey.Order);
        for (int i = 0; i < count; i++)
        {
            table.Add(new Entry(ReadBytes(reader), ReadBytes(reader)));
        }

        return table.ToImmutable();
    }

    private static void WriteVersions(BinaryWriter writer, Root root)
    {
        writer.Write(root.Oldest.Value);
        writer.Write(root.Versions.Count);
        foreach (VersionedEntry entry in root.Versions)
        {
            WriteBytes(writer, entry.Key);
            for (Version? version = entry.Newest; version is not null; version = version.Older)
            {
                writer.Write(true);
                writer.Write(version.From.Value);
                writer.Write(version.Value is not null);
                WriteBytes(writer, version.Value ?? []);
            }

            writer.Write(false);
        }
    }

    private static ImmutableSortedSet<VersionedEntry> ReadVersions(
        IFileSystem files, string path, out CommitVersion oldest)
    {
        using BinaryReader reader = Open(files, path);
        oldest = new CommitVersion(reader.ReadInt64());
        int count = reader.ReadInt32();
        ImmutableSortedSet<VersionedEntry>.Builder versions =
            ImmutableSortedSet.CreateBuilder<VersionedEntry>(ByKey.Order);
        for (int i = 0; i < count; i++)
        {
            byte[] key = ReadBytes(reader);
            var newestFirst = new Stack<(CommitVersion From, byte[]? Value)>();
            while (reader.ReadBoolean())
            {
                var from = new CommitVersion(reader.ReadInt64());
                bool holdsSomething = reader.ReadBoolean();
                byte[] value = ReadBytes(reader);
                newestFirst.Push((from, holdsSomething ? value : null));
            }

            Version? chain = null;
            while (newestFirst.TryPop(out (CommitVersion From, byte[]? Value) version))
            {
                chain = new Version(version.From, version.Value, chain);
            }

            versions.Add(new VersionedEntry(key, chain));
        }

        return versions.ToImmutable();
    }

    private static void WriteBytes(BinaryWriter writer, byte[] bytes)
    {
        writer.Write(bytes.Length);
        writer.Write(bytes);
    }

    private static byte[] ReadBytes(BinaryReader reader) => reader.ReadBytes(reader.ReadInt32());
}
