using System.Buffers.Binary;

namespace KvCloud.Tests.Live.PowerCut;

/// <summary>Bytes that a sync made durable.</summary>
/// <param name="Timestamp">When they were, on the clock of <see cref="System.Diagnostics.Stopwatch"/>.</param>
/// <param name="Inode">Of their file.</param>
/// <param name="Start">Their place in it.</param>
/// <param name="Bytes">The content.</param>
internal sealed record SyncedRange(long Timestamp, long Inode, long Start, byte[] Bytes);

/// <summary>Reads the trace that <c>lossy_disk.c</c> keeps of each sync.</summary>
internal static class SyncTrace
{
    private const int HeadSizeBytes = 32;

    public static IEnumerable<SyncedRange> Read(string path)
    {
        byte[] trace = File.ReadAllBytes(path);
        int at = 0;
        while (at + HeadSizeBytes <= trace.Length)
        {
            int length = checked((int)Number(at + 24));
            if (at + HeadSizeBytes + length > trace.Length)
            {
                // The program is writing this one, or was killed while it did.
                yield break;
            }

            yield return new SyncedRange(
                Number(at), Number(at + 8), Number(at + 16), trace.AsSpan(at + HeadSizeBytes, length).ToArray());
            at += HeadSizeBytes + length;
        }

        long Number(int place) => BinaryPrimitives.ReadInt64LittleEndian(trace.AsSpan(place));
    }
}
