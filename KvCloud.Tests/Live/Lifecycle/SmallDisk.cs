using System.Diagnostics;
using System.Globalization;

namespace KvCloud.Tests.Live.Lifecycle;

/// <summary>
/// A real volume of a certain size for one directory, a tmpfs: it can be filled until nothing is left, and what a
/// program asks of it is answered by the kernel. Needs the right to mount: root, or a user namespace (eng/lifecycle
/// makes one).
/// </summary>
internal sealed class SmallDisk : IDisposable
{
    private const string Filler = "filler";
    private const int PieceBytes = 1024 * 1024;

    private readonly string _path;

    private SmallDisk(string path) => _path = path;

    public long FreeBytes => new DriveInfo(_path).AvailableFreeSpace;

    /// <summary>Why there can be none here; null if there can.</summary>
    public static string? Missing { get; } = FindMissing();

    /// <summary>Puts the volume in the directory's place; what is in the directory is moved there.</summary>
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

    /// <summary>Takes all but so many bytes.</summary>
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
                // Somebody else has taken the rest.
                return;
            }
        }
    }

    /// <summary>Gives the room back.</summary>
    public void MakeRoom() => File.Delete(Path.Combine(_path, Filler));

    /// <summary>What is on it is gone. Nobody may have a file open there any more.</summary>
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
            return $"nothing may be mounted here: {failure.Message}";
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
