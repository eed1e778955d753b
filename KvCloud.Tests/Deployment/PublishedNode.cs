using System.Diagnostics;
using KvCloud.Certificates;

namespace KvCloud.Tests.Deployment;

/// <summary>What the image has in /app: the output of the Dockerfile's build stage, made once for its tests.</summary>
public sealed class PublishedNode : IAsyncLifetime
{
    private const UnixFileMode ForAll = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    private string _root = "";

    /// <summary>Belongs to the user that runs the tests, and cannot be written by anybody.</summary>
    public string Folder { get; private set; } = "";

    public async Task InitializeAsync()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        _root = Directory.CreateTempSubdirectory("kvcloud-image-").FullName;
        string source = Path.Combine(_root, "src");
        Directory.CreateDirectory(source);
        string published = await Dockerfile.BuildAsync(source);
        Folder = Path.Combine(_root, "app");
        Directory.Move(published, Folder);
        Directory.Delete(source, recursive: true);
        File.SetUnixFileMode(_root, ForAll);
        Directory.CreateDirectory(Path.Combine(Folder, "dotnet"));
        File.SetUnixFileMode(Folder, ForAll & ~UnixFileMode.UserWrite);
    }

    public Task DisposeAsync()
    {
        if (OperatingSystem.IsWindows())
        {
            return Task.CompletedTask;
        }

        File.SetUnixFileMode(Folder, ForAll);
        Directory.Delete(_root, recursive: true);
        return Task.CompletedTask;
    }

    /// <summary>A new directory for data, as a volume that is new is: empty, and of the image's user.</summary>
    internal async Task<string> NewVolumeAsync(int user)
    {
        string volume = Path.Combine(_root, $"volume-{Path.GetRandomFileName()}");
        Directory.CreateDirectory(volume);
        if (Sandbox.Kind == SandboxKind.OtherUser)
        {
            await ToolRun.OutputAsync("chown", $"{user}:{user}", volume);
        }

        return volume;
    }

    /// <summary>
    /// What a pod finds where its certificates are mounted, made by `kv cert`: files that the image's user can read.
    /// </summary>
    internal async Task<string> NewCertificatesAsync(int user, string cluster, int nodes)
    {
        string authority = Path.Combine(_root, $"authority-{Path.GetRandomFileName()}");
        string mounted = Path.Combine(_root, $"certificates-{Path.GetRandomFileName()}");
        var made = LocalCertificates.Ensure(authority, cluster, Enumerable.Range(0, nodes), TimeProvider.System);
        for (int node = 0; node < nodes; node++)
        {
            DirectoryInfo folder = Directory.CreateDirectory(Path.Combine(mounted, $"{node}"));
            File.Copy(made.Node(node).Certificate, Path.Combine(folder.FullName, "tls.crt"));
            File.Copy(made.Node(node).Key, Path.Combine(folder.FullName, "tls.key"));
            File.Copy(made.Authority, Path.Combine(folder.FullName, "ca.crt"));
        }

        if (Sandbox.Kind == SandboxKind.OtherUser)
        {
            await ToolRun.OutputAsync("chown", "-R", $"{user}:{user}", mounted);
        }

        return mounted;
    }

    /// <summary>The image's program, shut in, with the environment of the image and what is given.</summary>
    /// <param name="volume">Mounted where the image keeps its data, which is the home of its user.</param>
    internal async Task<ProcessStartInfo> CommandAsync(
        string volume, IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        ImageSettings image = await ImageSettings.ReadAsync();
        var variables = new Dictionary<string, string>(image.Environment)
        {
            // Of the base image.
            ["APP_UID"] = $"{image.User}",
            ["ASPNETCORE_HTTP_PORTS"] = "8080",
            ["DOTNET_RUNNING_IN_CONTAINER"] = "true",
            ["DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"] = "true",
            ["HOME"] = volume,
        };
        foreach ((string name, string value) in environment)
        {
            variables[name] = value;
        }

        variables["KvCloud__Database__BasePath"] = volume;
        string program = Path.Combine(Folder, Path.GetFileName(image.EntryPoint));
        return Sandbox.Command(image.User, Folder, volume, program, arguments, variables);
    }
}
