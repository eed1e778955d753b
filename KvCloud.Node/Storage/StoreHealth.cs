namespace KvCloud.Node.Storage;

/// <summary>
/// Whether a data store is sound. Damage found anywhere closes it for every read and write until it is replaced: what a
/// checksum has caught in one place may have been missed in another. Any thread.
/// </summary>
internal sealed class StoreHealth
{
    private volatile StoreDamage? _damage;
    private int _isReported;

    /// <summary>The damage that was found first; null while the store is sound.</summary>
    public StoreDamage? Damage => _damage;

    public bool IsDamaged => _damage is not null;

    /// <summary>Called once, on the thread that found the damage; it must not block.</summary>
    public Action<StoreDamage>? OnDamaged { get; set; }

    /// <summary>Reports damage. Only the first report counts.</summary>
    public void Report(StoreDamage damage)
    {
        if (Interlocked.Exchange(ref _isReported, 1) == 0)
        {
            _damage = damage;
            OnDamaged?.Invoke(damage);
        }
    }

    /// <summary>Throws if the store is closed.</summary>
    public void ThrowIfDamaged()
    {
        if (_damage is StoreDamage damage)
        {
            throw new StoreCorruptException(damage.What, damage.File, damage.Table);
        }
    }
}
