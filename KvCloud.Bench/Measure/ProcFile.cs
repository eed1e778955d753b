using System.Globalization;

namespace KvCloud.Bench.Measure;

/// <summary>Parses proc(5) files of a process. The parsers take text, so that tests need no process.</summary>
internal static class ProcFile
{
    /// <summary>User and system time of /proc/PID/stat, in clock ticks.</summary>
    public static long ParseCpuTicks(string stat)
    {
        // The command may contain spaces and parentheses, so count fields after the last parenthesis. utime is field
        // 14, stime field 15.
        int end = stat.LastIndexOf(')');
        string[] fields = end < 0 ? [] : stat[(end + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (fields.Length < 13
            || !long.TryParse(fields[11], CultureInfo.InvariantCulture, out long user)
            || !long.TryParse(fields[12], CultureInfo.InvariantCulture, out long system))
        {
            throw new FormatException($"not a /proc/PID/stat line: '{stat}'");
        }

        return user + system;
    }

    /// <summary>The value of a line <c>Name:  number [unit]</c> (/proc/PID/status, /proc/PID/io).</summary>
    public static long ParseNumber(string text, string name)
    {
        foreach (ReadOnlySpan<char> line in text.AsSpan().EnumerateLines())
        {
            if (!line.StartsWith(name, StringComparison.Ordinal)
                || line.Length <= name.Length || line[name.Length] != ':')
            {
                continue;
            }

            ReadOnlySpan<char> rest = line[(name.Length + 1)..].Trim();
            int space = rest.IndexOf(' ');
            return long.Parse(space < 0 ? rest : rest[..space], CultureInfo.InvariantCulture);
        }

        throw new FormatException($"there is no line '{name}:'");
    }

    /// <summary>
    /// Inode of the socket that listens on <paramref name="port"/>, from /proc/net/tcp or tcp6; null if none does.
    /// </summary>
    public static string? ParseListeningInode(string table, int port)
    {
        const string Listening = "0A";
        foreach (string? line in table.Split('\n').Skip(1))
        {
            string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length < 10 || fields[3] != Listening)
            {
                continue;
            }

            int colon = fields[1].LastIndexOf(':');
            if (int.Parse(fields[1].AsSpan(colon + 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture) == port)
            {
                return fields[9];
            }
        }

        return null;
    }
}
