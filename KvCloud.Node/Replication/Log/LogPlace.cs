namespace KvCloud.Node.Replication.Log;

/// <summary>Where in the log a check has got to; the default is its beginning.</summary>
internal readonly record struct LogPlace(long Segment, long Start);
