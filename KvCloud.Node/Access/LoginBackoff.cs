namespace KvCloud.Node.Access;

/// <summary>
/// Makes an address wait that has given wrong passwords: not after the first few, then for a second, and twice as long
/// after each further one.
/// </summary>
internal sealed class LoginBackoff(TimeProvider time)
{
    /// <summary>People mistype.</summary>
    public const int FreeFailures = 5;

    public const int MaxWaitMs = 60_000;

    /// <summary>Addresses remembered; beyond that the one that failed longest ago is forgotten.</summary>
    public const int MaxAddresses = 4_096;

    private const int FirstWaitMs = 1_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, LinkedListNode<Failures>> _byAddress = new(StringComparer.Ordinal);
    private readonly LinkedList<Failures> _byTime = [];

    /// <summary>How long this address must still wait; 0 for not at all.</summary>
    public long WaitMs(string address)
    {
        lock (_gate)
        {
            return _byAddress.TryGetValue(address, out LinkedListNode<Failures>? known)
                ? Math.Max(0, known.Value.UntilMs - NowMs)
                : 0;
        }
    }

    public void NoteFailure(string address)
    {
        lock (_gate)
        {
            int count = 1;
            if (_byAddress.Remove(address, out LinkedListNode<Failures>? known))
            {
                _byTime.Remove(known);

                // Whoever has been quiet for as long as the longest wait begins anew.
                count = NowMs - known.Value.UntilMs > MaxWaitMs ? 1 : known.Value.Count + 1;
            }

            int beyond = count - FreeFailures;
            long waitMs = beyond <= 0 ? 0 : Math.Min(MaxWaitMs, (long)FirstWaitMs << Math.Min(beyond - 1, 16));
            _byAddress[address] = _byTime.AddLast(new Failures(address, count, NowMs + waitMs));
            if (_byAddress.Count > MaxAddresses)
            {
                _byAddress.Remove(_byTime.First!.Value.Address);
                _byTime.RemoveFirst();
            }
        }
    }

    public void NoteSuccess(string address)
    {
        lock (_gate)
        {
            if (_byAddress.Remove(address, out LinkedListNode<Failures>? known))
            {
                _byTime.Remove(known);
            }
        }
    }

    private long NowMs => time.GetTimestamp() * 1_000 / time.TimestampFrequency;

    private readonly record struct Failures(string Address, int Count, long UntilMs);
}
