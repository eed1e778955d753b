using KvCloud.Consensus;
using KvCloud.Node.Files;

namespace KvCloud.Node.Replication.Log;

/// <summary>
/// Reads the segments of a log beside the writer and the trimmer, for catch-up, backups and the scrub. Any thread.
/// </summary>
/// <param name="path">The log's directory, for messages.</param>
internal sealed class SegmentReader(string path, SegmentList segments)
{
    /// <summary>See <see cref="IPaxosLog.Read"/>.</summary>
    public IReadOnlyList<LogEntry> Read(long first, long last, int maxBytes)
    {
        List<LogSegment> overlapping = segments.BeginReading(first, last);
        try
        {
            var window = new ReadWindow(first, last, maxBytes);
            foreach (LogSegment segment in overlapping)
            {
                foreach (BlockPlace place in segments.PlacesIn(segment, first, window.Last))
                {
                    segment.Read(place, window.TakeGroup);
                }
            }

            return window.Entries;
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Missing(exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new LogUnreadableException($"Reading the log in {path} failed: {exception.Message}", exception);
        }
        finally
        {
            segments.EndReading(overlapping);
        }
    }

    /// <summary>See <see cref="IPaxosLog.Check"/>.</summary>
    public int Check(ref LogPlace place)
    {
        if (segments.BeginCheck(ref place, out BlockPlace block) is not LogSegment segment)
        {
            return 0;
        }

        try
        {
            segment.Check(block);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Missing(exception);
        }
        catch (IOException exception) when (exception.IsMediumError())
        {
            throw new LogCorruptException($"{segment.Path} cannot be read: {exception.Message}");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new LogUnreadableException($"Checking the log in {path} failed: {exception.Message}", exception);
        }
        finally
        {
            segments.EndReading([segment]);
        }

        return block.SizeBytes;
    }

    private LogCorruptException Missing(Exception exception) =>
        new($"a segment of the log in {path} is missing: {exception.Message}");
}
