using System.Diagnostics;
using System.Globalization;

namespace KvCloud.Tests.Live.Lifecycle;

/// <summary>
/// A real volume of limited size for one directory, a tmpfs, which can be filled completely. Needs the right to mount:
/// root, or a user namespace (eng/lifecycle creates one).
/// </summary>
internal sealed class SmallDisk : IDisposable
{
    private const string Filler = "filler";
    private const int PieceBytes = 1024 * 1024;

    private readonly string _path;

    private SmallDisk(string path) => _path = path;

    public long FreeBytes => new DriveInfo(_path).AvailableFreeSpace;

    /// <summary>Why no volume can be mounted here; null if one can.</summary>
    public static string? Missing { get; } = FindMissing();

    /// <summary>Mounts a volume at the directory, and moves the directory's contents to it.</summary>
    public static SmallDisk Mount(string path, int megabytes)
    {
        string aside = $"{path}.aside";
        bool exists = Directory.Exists(path);
        if (exists)
        {
            Directory.Move(path, aside);
        }

        Directory.CreateDirectory(path);
        string size = string.Create(CultureInfo.InvariantCulture, $"size={megabytes}m");
        Run("mount", "-t", "tmpfs", "-o", size, "tmpfs", path);
        var disk = new SmallDisk(path);
        if (exists)
        {
            Run("cp", "-a", $"{aside}/.", path);
            Directory.Delete(aside, recursive: true);
        }

        return disk;
    }

    /// <summary>Fills the volume up to the given number of free bytes.</summary>
    public void Fill(long freeBytes)
    {
        using var file = new FileStream(
            Path.Combine(_path, Filler), FileMode.Append, FileAccess.Write, FileShare.Read, bufferSize: 0);
        byte[] piece = new byte[PieceBytes];
        while (FreeBytes - freeBytes is > 0 and long left)
        {
            try
            {
                file.Write(piece.AsSpan(0, (int)Math.Min(PieceBytes, left)));
            }
            catch (IOException)
            {
                // Another writer has taken the rest.
                return;
            }
        }
    }

    /// <summary>Frees the filled space.</summary>
    public void MakeRoom() => File.Delete(Path.Combine(_path, Filler));

    /// <summary>Unmounts the volume, which discards its contents. No file on it may be open.</summary>
    public void Dispose() => Run("umount", _path);

    private static string? FindMissing()
    {
        if (!OperatingSystem.IsLinux())
        {
            return "a small disk needs Linux";
        }

        string path = Directory.CreateTempSubdirectory("kvcloud-mount-").FullName;
        try
        {
            Mount(path, 1).Dispose();
            return null;
        }
        catch (Exception failure) when (failure is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            return $"mounting is not permitted: {failure.Message}";
        }
        finally
        {
            Directory.Delete(path, recursive: true);
        }
    }

    private static void Run(string program, params IEnumerable<string> arguments)
    {
        var info = new ProcessStartInfo(program, arguments) { RedirectStandardError = true };
        using Process process = Process.Start(info)!;
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {errors.Trim()}");
        }
    }
}
