using KvCloud.Node.Storage;

namespace KvCloud.Node.Replication.Restore;

/// <summary>How the data stores of a restore are opened.</summary>
/// <param name="Open">To be written.</param>
/// <param name="OpenCopy">To be read: nothing in the directory changes.</param>
internal sealed record RestoreStores(Func<string, IKvStore> Open, Func<string, IKvStore> OpenCopy);
