using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using KvCloud.Node.Files;

namespace KvCloud.Node.Replication.Restore;

/// <summary>Operations of restores and recoveries on whole directories.</summary>
internal static class FileTrees
{
    private const int BufferBytes = 1024 * 1024;

    /// <summary>Copies the files of a directory, without syncing the copies.</summary>
    public static void CopyFiles(this IFileSystem files, string from, string to, Action<string>? onCopied = null)
    {
        files.CreateDirectory(to);
        foreach (string path in files.ListFiles(from).Order(StringComparer.Ordinal))
        {
            files.CopyFile(path, Path.Combine(to, Path.GetFileName(path)));
            onCopied?.Invoke(path);
        }
    }

    /// <summary>Copies a file, without syncing the copy.</summary>
    public static void CopyFile(this IFileSystem files, string from, string to)
    {
        using IFile copy = files.Open(to, FileMode.Create, FileAccess.Write);
        long offset = 0;
        files.ReadPieces(from, piece =>
        {
            copy.Write(piece, offset);
            offset += piece.Length;
        });
    }

    /// <summary>A hash over names, lengths and contents of the files at and directly in these paths.</summary>
    public static UInt128 Fingerprint(this IFileSystem files, string root, params IEnumerable<string> names)
    {
        var hash = new XxHash128();
        foreach (string name in names)
        {
            string path = Path.Combine(root, name);
            IEnumerable<string> found = files.DirectoryExists(path) ? files.ListFiles(path)
                : files.FileExists(path) ? [path]
                : [];
            foreach (string file in found.Order(StringComparer.Ordinal))
            {
                long length = 0;
                hash.Append(Encoding.UTF8.GetBytes(Path.GetRelativePath(root, file)));
                files.ReadPieces(file, piece =>
                {
                    hash.Append(piece);
                    length += piece.Length;
                });
                byte[] end = new byte[sizeof(long)];
                BinaryPrimitives.WriteInt64LittleEndian(end, length);
                hash.Append(end);
            }
        }

        return hash.GetCurrentHashAsUInt128();
    }

    private static void ReadPieces(this IFileSystem files, string path, PieceReader onPiece)
    {
        byte[] buffer = new byte[BufferBytes];
        using IFile source = files.Open(path, FileMode.Open, FileAccess.Read);
        int read;
        for (long offset = 0; (read = source.ReadFully(buffer, offset)) > 0; offset += read)
        {
            onPiece(buffer.AsSpan(0, read));
        }
    }

    private delegate void PieceReader(ReadOnlySpan<byte> piece);
}
