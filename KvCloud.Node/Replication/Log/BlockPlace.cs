namespace KvCloud.Node.Replication.Log;

/// <summary>A part of a segment made of whole groups.</summary>
internal readonly record struct BlockPlace(long Start, int SizeBytes, long FirstSequence, long NextSequence);
