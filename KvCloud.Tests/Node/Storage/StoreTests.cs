using KvCloud.Node.Storage;

namespace KvCloud.Tests.Node.Storage;

/// <summary>Tests that are asked of each kind of store.</summary>
public abstract class StoreTests : IDisposable
{
    public static TheoryData<string> Stores => ["memory", "rocks"];

    private protected TemporaryDirectory Temporary { get; } = new();

    public void Dispose()
    {
        Temporary.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected IKvStore Open(string kind) => kind == "memory"
        ? new MemoryKvStore()
        : RocksKvStore.Open(Temporary.Sub("data"), new StoreOptions());

    private protected static void Write(IKvStore store, Action<IKvBatch> fill)
    {
        using IKvBatch batch = store.CreateBatch();
        fill(batch);
        store.Write(batch);
    }
}
