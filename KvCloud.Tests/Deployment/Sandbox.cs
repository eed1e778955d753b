using System.Diagnostics;
using KvCloud.LocalCluster;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Deployment;

/// <summary>How far a program can be shut in on this machine.</summary>
internal enum SandboxKind
{
    /// <summary>By root: every mount but the data read-only, and the user of the image.</summary>
    OtherUser,

    /// <summary>By a user namespace: every mount but the data read-only, and the user of the test.</summary>
    SameUser,

    /// <summary>Namespaces are forbidden here: only the program's own folder cannot be written.</summary>
    ReadOnlyFolder,
}

/// <summary>
/// Runs a program as a container with a read-only root does: as a user that is not root, without capabilities, with one
/// directory that can be written, and an environment of its own.
/// </summary>
internal static class Sandbox
{
    /// <summary>$1 the data, $2 and $3 where dotnet is and shall be, then the program. 97 if it leaks.</summary>
    private const string Script =
        """
        set -e
        data=$1; dotnet=$2; inner=$3; shift 3
        mount --make-rprivate /
        mount --bind "$dotnet" "$inner"
        mount --bind "$data" "$data"
        while read -r device at rest; do
          case $at in
            "$data"|/proc*|/dev/pts) ;;
            *) mount -o remount,bind,ro "$at" 2>/dev/null || true ;;
          esac
        done < /proc/self/mounts
        for place in /tmp /var/tmp /dev/shm "$PWD" "$inner"; do
          if ( : > "$place/written" ) 2>/dev/null; then echo "$place can be written" >&2; exit 97; fi
        done
        exec "$@"
        """;

    private static readonly string[] Unprivileged = ["setpriv", "--no-new-privs", "--bounding-set=-all"];
    private static readonly Lazy<SandboxKind> Available = new(Find);

    public static SandboxKind Kind => Available.Value;

    /// <param name="user">Who runs it, and owns the data, where the test may choose.</param>
    /// <param name="folder">Of the program; gets a directory for dotnet.</param>
    /// <param name="data">The one directory that can be written.</param>
    public static ProcessStartInfo Command(
        int user, string folder, string data, string program, IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string> environment)
    {
        string dotnet = Path.GetDirectoryName(DotNet.Host) ?? "/";
        string inner = Path.Combine(folder, "dotnet");
        Directory.CreateDirectory(inner);
        string[] mountNamespace = ["unshare", .. Kind == SandboxKind.OtherUser ? (string[])["-m"] : ["-Urm"]];
        string[] command = Kind switch
        {
            SandboxKind.OtherUser =>
            [
                .. mountNamespace, "/bin/sh", "-c", Script, "sandbox", data, dotnet, inner,
                .. Unprivileged, $"--reuid={user}", $"--regid={user}", "--clear-groups", program,
            ],
            SandboxKind.SameUser =>
                [.. mountNamespace, "/bin/sh", "-c", Script, "sandbox", data, dotnet, inner, .. Unprivileged, program],
            _ => [program],
        };
        var start = new ProcessStartInfo(command[0], [.. command[1..], .. arguments])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Clear();
        start.Environment["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        start.Environment["DOTNET_ROOT"] = Kind == SandboxKind.ReadOnlyFolder ? dotnet : inner;
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        return start;
    }

    private static SandboxKind Find()
    {
        if (Environment.IsPrivilegedProcess && Works("-m"))
        {
            return SandboxKind.OtherUser;
        }

        return Works("-Urm") ? SandboxKind.SameUser : SandboxKind.ReadOnlyFolder;
    }

    private static bool Works(string option)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(
                "unshare", [option, "sh", "-c", "mount --make-rprivate / && exec setpriv --no-new-privs true"])
            {
                RedirectStandardError = true,
            })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            // No such program.
            return false;
        }
    }
}
