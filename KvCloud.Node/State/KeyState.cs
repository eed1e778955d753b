namespace KvCloud.Node.State;

/// <summary>When a key was last written, and whether that deleted it.</summary>
internal readonly record struct KeyState(CommitVersion Version, bool IsTombstone);
