using KvCloud.Consensus;

namespace KvCloud.Tests.Simulation;

/// <summary>Ways in which a disk loses or changes what was durable on it.</summary>
internal static class SimDamage
{
    private const int SectorSizeBytes = 512;

    /// <summary>Data of a sector of the log, without its stamp.</summary>
    private const int SectorDataBytes = 500;

    private const string Root = "/data/node";

    /// <summary>What a replica has to have, and misses by name.</summary>
    private static readonly string[] Parts = ["log", "log.mark", "identity", "incarnations"];

    public static void Do(SimDisk disk, DeterministicRandom random)
    {
        // But for who holds the directory: that names a process of the real machine, and is for people.
        IReadOnlyList<string> files = [.. disk.FilesBelow(Root).Where(
            file => disk.LengthOf(file) > 0 && !file.EndsWith("/owner", StringComparison.Ordinal))];
        if (files.Count == 0)
        {
            return;
        }

        switch (random.Next(3))
        {
            case 0:
                disk.Lose($"{Root}/{Parts[random.Next(Parts.Length)]}");
                break;
            default:
                FlipBit(disk, random, files[random.Next(files.Count)]);
                break;
        }
    }

    /// <summary>A bit of what is written in the log, but for stamps, as below.</summary>
    /// <returns>The file; null where nothing is written.</returns>
    public static string? FlipLogBit(SimDisk disk, DeterministicRandom random)
    {
        string[] files = [.. disk.FilesBelow($"{Root}/log").Where(file => disk.LengthOf(file) > 0)];
        if (files.Length == 0)
        {
            return null;
        }

        string file = files[random.Next(files.Length)];
        byte[] content = disk.ContentOf(file);
        int[] written =
        [
            .. Enumerable.Range(0, content.Length).Where(
                place => content[place] != 0 && place % SectorSizeBytes < SectorDataBytes),
        ];
        if (written.Length == 0)
        {
            return null;
        }

        disk.FlipBit(file, (written[random.Next(written.Length)] * 8L) + random.Next(8));
        return file;
    }

    /// <summary>
    /// Any bit but those of the stamps of sectors: in the very last group before a crash damage of a stamp is taken
    /// for a write that was never finished (docs/adr/0007).
    /// </summary>
    private static void FlipBit(SimDisk disk, DeterministicRandom random, string file)
    {
        long length = disk.LengthOf(file);
        long place = random.Next((int)length);
        if (place % SectorSizeBytes < SectorDataBytes)
        {
            disk.FlipBit(file, (place * 8) + random.Next(8));
        }
    }
}
