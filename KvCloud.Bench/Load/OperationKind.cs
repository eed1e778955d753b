namespace KvCloud.Bench.Load;

/// <summary>What one operation of the load does.</summary>
internal enum OperationKind
{
    /// <summary>Writes one key of the key space.</summary>
    Set,

    /// <summary>Writes a key that was not there before; the key space grows.</summary>
    Insert,

    /// <summary>Reads one key from the contacted replica (etcd: serializable).</summary>
    GetLocal,

    /// <summary>Linearizable read from the leader (etcd: linearizable).</summary>
    GetLeader,

    /// <summary>Linearizable read from any replica (etcd: linearizable).</summary>
    GetReadIndex,

    /// <summary>Reads a range of rows with the consistency of <see cref="GetLocal"/>.</summary>
    Range,

    /// <summary>One transaction of several sets.</summary>
    Commit,

    /// <summary>A leader read of a key, then a set of it; the latency covers both.</summary>
    ReadModifyWrite,
}
