using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using RocksDbSharp;

namespace KvCloud.Node.Storage;

/// <summary>RocksDB's C interface, with its errors turned into exceptions.</summary>
internal static partial class RocksApi
{
    public static readonly Native Native = Native.Instance;

    public static byte AsByte(bool value) => value ? (byte)1 : (byte)0;

    /// <summary>Takes an error's text and frees the error; null when there is none.</summary>
    public static string? TakeError(IntPtr error)
    {
        if (error == IntPtr.Zero)
        {
            return null;
        }

        string text = Marshal.PtrToStringUTF8(error) ?? "unknown error";
        Native.rocksdb_free(error);
        return text;
    }

    public static void ThrowOn(IntPtr error, string doing)
    {
        if (error != IntPtr.Zero)
        {
            Throw(TakeError(error)!, doing);
        }
    }

    /// <summary>
    /// As <see cref="ThrowOn"/>, of a read: what the disk cannot read back (EIO) is as lost as what it reads wrongly.
    /// Any other refusal of the system, such as one for want of file handles, says nothing about the data.
    /// </summary>
    public static void ThrowOnRead(IntPtr error, string doing)
    {
        if (error == IntPtr.Zero)
        {
            return;
        }

        string text = TakeError(error)!;
        if (text.Contains("Input/output error", StringComparison.Ordinal))
        {
            throw new StoreCorruptException($"RocksDB failed while {doing}: {text}", FileIn(text));
        }

        Throw(text, doing);
    }

    /// <summary>Opens a database with its column families, the first of which must be `default`.</summary>
    public static IntPtr Open(IntPtr options, string path, string[] names, IntPtr[] familyOptions, IntPtr[] families)
    {
        Directory.CreateDirectory(path);
        IntPtr database = Native.rocksdb_open_column_families(
            options, path, names.Length, names, familyOptions, families, out IntPtr error);
        ThrowOn(error, $"opening {path}");
        return database;
    }

    /// <summary>As <see cref="Open"/>, a database that is there and is not to be changed.</summary>
    public static IntPtr OpenReadOnly(
        IntPtr options, string path, string[] names, IntPtr[] familyOptions, IntPtr[] families)
    {
        IntPtr database = Native.rocksdb_open_for_read_only_column_families(
            options, path, names.Length, names, familyOptions, families, 0, out IntPtr error);
        ThrowOn(error, $"opening {path}");
        return database;
    }

    /// <summary>An integer property; 0 if RocksDB has none of this name.</summary>
    public static unsafe long Property(IntPtr database, IntPtr family, string name)
    {
        ulong value = 0;
        return Native.rocksdb_property_int_cf(database, family, name, (IntPtr)(&value)) == 0 ? (long)value : 0;
    }

    private static void Throw(string error, string doing)
    {
        string message = $"RocksDB failed while {doing}: {error}";
        if (error.Contains("full_history_ts_low", StringComparison.Ordinal))
        {
            throw new VersionTooOldException(message);
        }

        if (error.StartsWith("Corruption", StringComparison.Ordinal))
        {
            throw new StoreCorruptException(message, FileIn(error));
        }

        throw new StoreFailedException(message);
    }

    /// <summary>The file that an error of RocksDB is about, as it names it; null where it names none.</summary>
    private static string? FileIn(string error)
    {
        Match match = FileName().Match(error);
        return match.Success ? match.Value : null;
    }

    [GeneratedRegex(@"\d+\.sst|MANIFEST-\d+|\bCURRENT\b")]
    private static partial Regex FileName();
}
