using KvCloud.Node.Files;
using KvCloud.Node.Transport;

namespace KvCloud.Tests.Node.Transport;

public sealed class IncarnationFileTests : IDisposable
{
    private readonly string _folder = System.IO.Directory.CreateTempSubdirectory("kvcloud-").FullName;

    private string Path => System.IO.Path.Combine(_folder, "incarnations");

    public void Dispose() => System.IO.Directory.Delete(_folder, recursive: true);

    [Fact]
    public void TryAdmit_remembers_across_restarts()
    {
        var first = new IncarnationFile(SystemFiles.Instance, Path);
        Assert.True(first.TryAdmit(1, 11));
        Assert.True(first.TryAdmit(2, long.MinValue));

        var second = new IncarnationFile(SystemFiles.Instance, Path);
        Assert.True(second.TryAdmit(1, 11));
        Assert.False(second.TryAdmit(1, 12));
        Assert.False(second.TryAdmit(2, 11));
        Assert.True(second.TryAdmit(2, long.MinValue));
        Assert.Equal([Path], System.IO.Directory.GetFiles(_folder));
    }

    [Fact]
    public void Forget_admits_a_new_incarnation_once()
    {
        new IncarnationFile(SystemFiles.Instance, Path).TryAdmit(1, 11);
        new IncarnationFile(SystemFiles.Instance, Path).Forget(1);

        var file = new IncarnationFile(SystemFiles.Instance, Path);
        Assert.True(file.TryAdmit(1, 12));
        Assert.False(new IncarnationFile(SystemFiles.Instance, Path).TryAdmit(1, 11));
    }

    [Fact]
    public void IncarnationFile_any_damaged_byte_is_refused_by_name()
    {
        new IncarnationFile(SystemFiles.Instance, Path).TryAdmit(1, 11);
        byte[] whole = File.ReadAllBytes(Path);
        for (int i = 0; i < whole.Length; i++)
        {
            byte[] damaged = [.. whole];
            damaged[i] ^= 0x10;
            File.WriteAllBytes(Path, damaged);
            InvalidDataException error = Assert.Throws<InvalidDataException>(
                () => new IncarnationFile(SystemFiles.Instance, Path));
            Assert.Contains(Path, error.Message, StringComparison.Ordinal);
        }

        for (int length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(Path, whole.AsSpan(0, length));
            Assert.Throws<InvalidDataException>(() => new IncarnationFile(SystemFiles.Instance, Path));
        }
    }

    [Fact]
    public void IncarnationFile_left_over_temporary_file_is_ignored()
    {
        new IncarnationFile(SystemFiles.Instance, Path).TryAdmit(1, 11);
        File.WriteAllText(Path + ".tmp", "half a fi");

        var file = new IncarnationFile(SystemFiles.Instance, Path);
        Assert.False(file.TryAdmit(1, 12));
        Assert.True(file.TryAdmit(2, 22));
    }

    [Fact]
    public void TryAdmit_that_cannot_be_made_durable_throws_and_admits_nothing()
    {
        string folder = System.IO.Path.Combine(_folder, "gone");
        var file = new IncarnationFile(SystemFiles.Instance, System.IO.Path.Combine(folder, "incarnations"));
        Assert.ThrowsAny<IOException>(() => file.TryAdmit(1, 11));

        System.IO.Directory.CreateDirectory(folder);
        Assert.True(file.TryAdmit(1, 12));
    }
}
