namespace KvCloud.Node.Storage;

/// <summary>The data directory cannot be used; the message says why in one sentence.</summary>
internal abstract class DataDirectoryException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Another process, or another node in this process, has it open.</summary>
internal sealed class DataDirectoryInUseException(string message, Exception? inner = null)
    : DataDirectoryException(message, inner);

/// <summary>It belongs to another node or another cluster.</summary>
internal sealed class DataDirectoryForeignException(string message) : DataDirectoryException(message);

/// <summary>Its identity is missing or damaged, or was written by a newer version.</summary>
internal sealed class DataDirectoryCorruptException(string message) : DataDirectoryException(message);

/// <summary>It cannot be created, read or written.</summary>
internal sealed class DataDirectoryUnusableException(string message, Exception inner)
    : DataDirectoryException(message, inner);
