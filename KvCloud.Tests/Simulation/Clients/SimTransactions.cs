using System.Globalization;
using KvCloud.Consensus;
using KvCloud.Node.Operations;

namespace KvCloud.Tests.Simulation;

/// <summary>
/// One client that runs transactions on data with a law: it reads at one version on any replicas, commits if nothing it
/// read has changed, and in between looks at everything as of a version.
/// </summary>
/// <remarks>
/// With each transaction it counts up a key of its own, and knows from the answers alone what that must show: one that
/// ran twice, or not at all, does not stay hidden, even where the law of the data would forgive it.
/// </remarks>
internal sealed class SimTransactions(SimClient client, int id, SimWorld world, SimProfile profile, SimData data)
{
    private const int AuditPerMille = 300;
    private const int OlderVersionPerMille = 100;
    private const int ResendPerMille = 200;
    private const int AuditedVersions = 100;

    private readonly Dictionary<string, string> _read = [];
    private readonly SortedDictionary<string, string> _writes = new(StringComparer.Ordinal);
    private readonly List<string> _conflictKeys = [];
    private readonly string _ledger = LedgerOf(id);
    private long _session;
    private long _sequence;
    private long _readVersion;
    private int _ran;

    private DeterministicRandom Random => world.Random;

    public static string LedgerOf(int client) => string.Create(CultureInfo.InvariantCulture, $"l{client}");

    public IEnumerable<SimOp> Run()
    {
        while (_session == 0)
        {
            yield return new SimOp(world.NextOpId(), SimOpKind.OpenSession);
            _session = client.Written is { Code: KvStatus.Ok } opened ? opened.Version.Value : 0;
        }

        while (true)
        {
            foreach (SimOp op in Random.Chance(AuditPerMille) ? Audit() : Transact())
            {
                yield return op;
            }
        }
    }

    // ---- Transactions ----

    private IEnumerable<SimOp> Transact()
    {
        Begin();
        yield return GetReadVersion();
        if (client.Read is not SimReadAnswer newest)
        {
            yield break;
        }

        _readVersion = newest.Version;
        yield return ReadAt(_ledger);
        if (client.Read is not SimReadAnswer ledger)
        {
            yield break;
        }

        CheckLedger(ledger);
        if (Random.Chance(OlderVersionPerMille))
        {
            // Who has begun long ago: more of what it reads has changed meanwhile.
            _readVersion = Math.Max(0, _readVersion - Random.Next(5));
        }

        foreach (string key in data.Transact(Random.Next, _read, _writes))
        {
            yield return ReadAt(key);
            if (client.Read is not SimReadAnswer answer)
            {
                yield break;
            }

            if (answer.Value is null)
            {
                SetUp();
                break;
            }

            _read[key] = answer.Value;
        }

        if (_writes.Count > 0)
        {
            foreach (SimOp op in Commit())
            {
                yield return op;
            }
        }
    }

    private void Begin()
    {
        _read.Clear();
        _writes.Clear();
        _conflictKeys.Clear();
    }

    private void CheckLedger(in SimReadAnswer answer)
    {
        int counted = answer.Value is null ? 0 : int.Parse(answer.Value, CultureInfo.InvariantCulture);
        if (counted != _ran)
        {
            throw new SimFailureException(
                $"client-{id} was told that {_ran} of its transactions ran; {answer.Node} shows {counted} "
                + $"at version {_readVersion}");
        }
    }

    /// <summary>Nothing is there yet: whoever comes first lays it out.</summary>
    private void SetUp()
    {
        _writes.Clear();
        for (int i = 0; i < data.Keys.Count; i++)
        {
            _writes[data.Keys[i]] = data.InitialValueOf(i);
            _conflictKeys.Add(data.Keys[i]);
        }
    }

    private IEnumerable<SimOp> Commit()
    {
        _writes[_ledger] = (_ran + 1).ToString(CultureInfo.InvariantCulture);
        _sequence++;
        var commit = new SimOp(world.NextOpId(), SimOpKind.Commit)
        {
            Keys = [.. _writes.Keys],
            Values = [.. _writes.Values],
            ConflictKeys = world.Sabotage is Sabotage.CommitsWithoutConflictKeys ? [] : [.. _conflictKeys.Distinct()],
            ReadVersion = _readVersion,
            Identity = new SimIdentity(_session, _sequence, _sequence),
            MustSucceed = true,
        };
        yield return commit;
        CommandResult first = client.Written!.Value;
        if (first.Code == KvStatus.Ok)
        {
            _ran++;
            world.Transactions++;
        }
        else if (first.Code is not (KvStatus.Conflict or KvStatus.VersionTooOld))
        {
            throw new SimFailureException($"{commit} was answered {first.Code}: {first.Message}");
        }

        if (Random.Chance(ResendPerMille))
        {
            yield return commit with { IsAnsweredBefore = true };
            CommandResult again = client.Written!.Value;
            if (again.Code != first.Code || again.Version != first.Version)
            {
                throw new SimFailureException(
                    $"{commit} was answered {first.Code} version {first.Version}, and when it was sent again "
                    + $"{again.Code} version {again.Version}");
            }
        }
    }

    // ---- Audits ----

    private IEnumerable<SimOp> Audit()
    {
        long newest = world.History.NewestVersion;
        _readVersion = newest - Math.Min(newest, Random.Next(AuditedVersions));
        if (newest == 0 || Random.Chance(500))
        {
            yield return GetReadVersion();
            if (client.Read is not SimReadAnswer begun)
            {
                yield break;
            }

            _readVersion = begun.Version;
        }

        var rows = new Dictionary<string, string>();
        if (Random.Chance(500))
        {
            yield return SnapshotRead(SimOpKind.SnapshotRange, data.Keys);
            if (client.Read is not SimReadAnswer answer)
            {
                yield break;
            }

            world.CheckLaw(answer.Rows!, _readVersion, $"client-{id} on {answer.Node}");
            yield break;
        }

        foreach (string key in data.Keys)
        {
            yield return SnapshotRead(SimOpKind.SnapshotRead, [key]);
            if (client.Read is not SimReadAnswer answer)
            {
                yield break;
            }

            if (answer.Value is not null)
            {
                rows.Add(key, answer.Value);
            }
        }

        world.CheckLaw(rows, _readVersion, $"client-{id} on any nodes");
    }

    private SimOp GetReadVersion()
    {
        bool isLeaderRead = Random.Chance(300);
        return new SimOp(world.NextOpId(), SimOpKind.GetReadVersion)
        {
            Level = isLeaderRead ? ReadLevel.Leader : ReadLevel.ReadIndex,
            At = isLeaderRead ? null : Random.Next(profile.AllNodes),
        };
    }

    private SimOp ReadAt(string key)
    {
        _conflictKeys.Add(key);
        return SnapshotRead(SimOpKind.SnapshotRead, [key]);
    }

    private SimOp SnapshotRead(SimOpKind kind, IReadOnlyList<string> keys) => new(world.NextOpId(), kind)
    {
        Keys = keys,
        ReadVersion = _readVersion,
        At = Random.Next(profile.AllNodes),
    };
}
