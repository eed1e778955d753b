using System.Runtime.Versioning;
using KvCloud.Certificates;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Certificates;

public sealed class PemFileTests : IDisposable
{
    private static readonly IssuedCertificate Old = new("old certificate", "old key");
    private static readonly IssuedCertificate New = new("new certificate", "new key");

    private readonly string _folder = Directory.CreateTempSubdirectory("kv-pem-").FullName;

    private string Certificate => Path.Combine(_folder, "made", "a.crt");

    private string Key => Path.Combine(_folder, "made", "a.key");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [UnixFact]
    [UnsupportedOSPlatform("windows")]
    public void WritePair_key_is_for_its_owner_alone()
    {
        PemFile.WritePair(Certificate, Key, Old, replaces: false);

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Key));
        Assert.Equal("old key", File.ReadAllText(Key));
        Assert.Equal("old certificate", File.ReadAllText(Certificate));
        Assert.Equal(2, Directory.GetFiles(Path.Combine(_folder, "made")).Length);
    }

    /// <summary>A file that was too open does not make its successor so.</summary>
    [UnixFact]
    [UnsupportedOSPlatform("windows")]
    public void WritePair_replaced_key_is_for_its_owner_alone()
    {
        PemFile.WritePair(Certificate, Key, Old, replaces: false);
        File.SetUnixFileMode(Key, (UnixFileMode)0b110_110_110);

        PemFile.WritePair(Certificate, Key, New, replaces: true);

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Key));
        Assert.Equal("new key", File.ReadAllText(Key));
    }

    /// <summary>Whoever looks at any moment: no file with the key's bytes is ever open to others.</summary>
    [UnixFact]
    [UnsupportedOSPlatform("windows")]
    public void WritePair_at_no_moment_leaves_a_key_that_others_can_read()
    {
        var seen = new List<UnixFileMode>();
        using var watcher = new FileSystemWatcher(_folder) { IncludeSubdirectories = true, EnableRaisingEvents = true };
        watcher.Created += (_, change) => Look(change.FullPath);
        watcher.Renamed += (_, change) => Look(change.FullPath);
        for (int i = 0; i < 50; i++)
        {
            PemFile.WritePair(Certificate, Key, New, replaces: true);
            Look(Key);
        }

        lock (seen)
        {
            Assert.NotEmpty(seen);
            Assert.All(seen, mode => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, mode));
        }

        void Look(string path)
        {
            try
            {
                if (path.Contains(".key", StringComparison.Ordinal))
                {
                    UnixFileMode mode = File.GetUnixFileMode(path);
                    lock (seen)
                    {
                        seen.Add(mode);
                    }
                }
            }
            catch (FileNotFoundException)
            {
                // It has its other name by now.
            }
        }
    }

    [Theory]
    [InlineData("a.crt")]
    [InlineData("a.key")]
    public void WritePair_file_that_is_there_is_refused_and_nothing_changes(string there)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Key)!);
        string path = Path.Combine(Path.GetDirectoryName(Key)!, there);
        File.WriteAllText(path, "there");

        string message = Assert.Throws<CertificateException>(
            () => PemFile.WritePair(Certificate, Key, New, replaces: false)).Message;

        Assert.Contains(path, message, StringComparison.Ordinal);
        Assert.Equal("there", File.ReadAllText(path));
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(Key)!));
    }

    [Fact]
    public void WritePair_directory_that_is_a_file_is_refused_by_name()
    {
        File.WriteAllText(Path.Combine(_folder, "made"), "");

        Assert.Contains(
            Certificate,
            Assert.Throws<CertificateException>(
                () => PemFile.WritePair(Certificate, Key, New, replaces: false)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Read_file_that_is_too_large_or_missing_is_refused_by_name()
    {
        string large = Path.Combine(_folder, "large");
        using (FileStream file = File.Create(large))
        {
            file.SetLength(PemFile.MaxBytes + 1);
        }

        foreach (string path in new[] { large, Path.Combine(_folder, "missing") })
        {
            Assert.Contains(
                path,
                Assert.Throws<CertificateException>(() => PemFile.Read(path)).Message,
                StringComparison.Ordinal);
        }
    }
}
