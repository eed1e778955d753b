namespace KvCloud.Tests.Live.Lifecycle;

/// <summary>What the only writer of a key knows of it.</summary>
internal sealed class KeptKey(string name)
{
    private readonly Lock _lock = new();
    private List<long>? _unknown;

    public string Name => name;

    /// <summary>The count of the newest acknowledged write; 0 if there is none.</summary>
    public long Count { get; private set; }

    /// <summary>The commit version of that write.</summary>
    public long Version { get; private set; }

    /// <summary>Whether a write of unknown outcome may still be applied: the key is never written again.</summary>
    public bool IsRetired
    {
        get
        {
            lock (_lock)
            {
                return _unknown is not null;
            }
        }
    }

    public (long Count, long Version) Acknowledged
    {
        get
        {
            lock (_lock)
            {
                return (Count, Version);
            }
        }
    }

    public void NoteAcknowledged(long count, long version)
    {
        lock (_lock)
        {
            Count = count;
            Version = version;
        }
    }

    public void NoteUnknown(long count)
    {
        lock (_lock)
        {
            (_unknown ??= []).Add(count);
        }
    }

    /// <summary>How a replica's value of the key violates what was acknowledged; null if it does not.</summary>
    /// <param name="count">What the replica holds; null for no key.</param>
    /// <param name="version">The commit version of what it holds.</param>
    public string? FindFault(long? count, long version)
    {
        lock (_lock)
        {
            if (count is long found && _unknown is not null && _unknown.Contains(found))
            {
                return null;
            }

            return count is null && Count == 0 ? null
                : count != Count ? $"{name}: {count?.ToString() ?? "nothing"} instead of {Count}"
                : version != Version ? $"{name}: version {version} instead of {Version}"
                : null;
        }
    }
}
