using KvCloud.Protocol;

namespace KvCloud.Tests.Client;

/// <summary>What the scripted nodes share: every version of every key, and the answers of every session.</summary>
internal sealed class ScriptedStore
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, List<(long Version, byte[]? Value)>> _keys = new(StringComparer.Ordinal);
    private readonly Dictionary<(long Client, long Sequence), object> _answers = [];
    private readonly HashSet<long> _sessions = [];
    private long _version;
    private long _lastSession;

    public long Version
    {
        get
        {
            lock (_lock)
            {
                return _version;
            }
        }
    }

    /// <summary>How often a write really ran, retries that were recognised not counted.</summary>
    public int Executions { get; private set; }

    public long OpenSession()
    {
        lock (_lock)
        {
            _sessions.Add(++_lastSession);
            return _lastSession;
        }
    }

    public void ForgetSessions()
    {
        lock (_lock)
        {
            _sessions.Clear();
        }
    }

    /// <summary>Runs a write once for its identity; null where the session is unknown.</summary>
    public T? Once<T>(long? client, long sequence, Func<T> run)
        where T : class
    {
        lock (_lock)
        {
            if (client is not { } id)
            {
                Executions++;
                return run();
            }

            if (!_sessions.Contains(id))
            {
                return null;
            }

            if (_answers.TryGetValue((id, sequence), out object? answer))
            {
                return (T)answer;
            }

            Executions++;
            T result = run();
            _answers.Add((id, sequence), result);
            return result;
        }
    }

    public long Write(IEnumerable<(byte[] Key, byte[]? Value)> writes)
    {
        lock (_lock)
        {
            _version++;
            foreach ((byte[] key, byte[]? value) in writes)
            {
                string name = Convert.ToHexString(key);
                if (!_keys.TryGetValue(name, out List<(long Version, byte[]? Value)>? versions))
                {
                    versions = [];
                    _keys.Add(name, versions);
                }

                versions.Add((_version, value));
            }

            return _version;
        }
    }

    public (byte[]? Value, long Version) Get(byte[] key, long atVersion)
    {
        lock (_lock)
        {
            return Newest(Convert.ToHexString(key), atVersion);
        }
    }

    public (List<KeyValue> Rows, bool HasMore) Range(
        byte[] begin, bool inclusive, byte[]? end, int limit, int limitBytes, long atVersion)
    {
        lock (_lock)
        {
            var rows = new List<KeyValue>();
            int bytes = 0;
            string first = Convert.ToHexString(begin);
            string? last = end is null ? null : Convert.ToHexString(end);
            foreach (string name in _keys.Keys)
            {
                int order = string.CompareOrdinal(name, first);
                bool inside = (inclusive ? order >= 0 : order > 0)
                    && (last is null || string.CompareOrdinal(name, last) < 0);
                if (!inside || Newest(name, atVersion) is not { Value: { } value } found)
                {
                    continue;
                }

                if (rows.Count > 0 && ((limit > 0 && rows.Count == limit) || bytes + value.Length > limitBytes))
                {
                    return (rows, true);
                }

                bytes += value.Length;
                rows.Add(new KeyValue(Convert.FromHexString(name), value) { Version = found.Version });
            }

            return (rows, false);
        }
    }

    public bool WrittenSince(byte[] key, long version)
    {
        lock (_lock)
        {
            return Newest(Convert.ToHexString(key), long.MaxValue).Version > version;
        }
    }

    public bool WrittenSince(byte[] begin, byte[]? end, long version)
    {
        lock (_lock)
        {
            string first = Convert.ToHexString(begin);
            string? last = end is null ? null : Convert.ToHexString(end);
            return _keys.Any(entry => string.CompareOrdinal(entry.Key, first) >= 0
                && (last is null || string.CompareOrdinal(entry.Key, last) < 0)
                && entry.Value[^1].Version > version);
        }
    }

    private (byte[]? Value, long Version) Newest(string name, long atVersion)
    {
        (byte[]? Value, long Version) newest = default;
        if (_keys.TryGetValue(name, out List<(long Version, byte[]? Value)>? versions))
        {
            foreach ((long version, byte[]? value) in versions.Where(entry => entry.Version <= atVersion))
            {
                newest = (value, version);
            }
        }

        return newest;
    }
}
