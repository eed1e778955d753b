using System.IO.Hashing;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Fuzzing;

/// <summary>
/// Inputs that were findings once: a folder for each parser, a file of hexadecimal digits for each input. They are run
/// again by each test, whatever the seed.
/// </summary>
internal static class FindingFiles
{
    private const int Columns = 64;

    public static IEnumerable<byte[]> Of(string target)
    {
        string folder = FolderOf(target);
        return Directory.Exists(folder)
            ? Directory.EnumerateFiles(folder, "*.hex").Order(StringComparer.Ordinal).Select(Read)
            : [];
    }

    public static string Write(FuzzFinding finding)
    {
        string folder = Directory.CreateDirectory(FolderOf(finding.Target)).FullName;
        string file = Path.Combine(folder, $"{XxHash3.HashToUInt64(finding.Input):x16}.hex");
        File.WriteAllLines(file, Convert.ToHexString(finding.Input).Chunk(Columns).Select(line => new string(line)));
        return file;
    }

    private static byte[] Read(string file) => Convert.FromHexString(string.Concat(File.ReadLines(file)));

    private static string FolderOf(string target) => Repository.File("KvCloud.Tests", "Fuzzing", "Findings", target);
}
