using KvCloud.Consensus;
using KvCloud.Node.Operations;

namespace KvCloud.Tests.Simulation;

/// <summary>What one client does to the registers: reads and writes of every kind, each for itself.</summary>
internal sealed class SimRegisters(SimClient client, SimWorld world, SimProfile profile, SimSession session)
{
    private long _seenVersion;

    private DeterministicRandom Random => world.Random;

    public IEnumerable<SimOp> Run()
    {
        while (true)
        {
            yield return MakeUp();
            if (client.Op!.Identity is SimIdentity ended)
            {
                session.Ended(ended);
                if (client.Written is { Code: KvStatus.SessionExpired })
                {
                    session.Expired(ended);
                }
            }

            if (client.Read is SimReadAnswer answer)
            {
                _seenVersion = Math.Max(_seenVersion, answer.Version);
            }
            else if (client.Written is { Code: KvStatus.Ok } result)
            {
                _seenVersion = Math.Max(_seenVersion, result.Version.Value);
                if (client.Op.Kind == SimOpKind.OpenSession)
                {
                    session.Open(result.Version.Value);
                }
            }
        }
    }

    private SimOp MakeUp()
    {
        if (!session.IsOpen && Random.Chance(500))
        {
            return new SimOp(world.NextOpId(), SimOpKind.OpenSession);
        }

        if (Random.Chance(10))
        {
            return new SimOp(world.NextOpId(), SimOpKind.CreateFamily);
        }

        if (HasUsers && Random.Chance(120))
        {
            return new SimOp(world.NextOpId(), SimOpKind.ChangeAccess) { Access = AnyChange() };
        }

        string key = AnyKey();
        int kind = Random.Next(100);
        if (kind is >= 40 and < 45 && DefaultKeys() is { Count: > 0 } keys)
        {
            return new SimOp(world.NextOpId(), SimOpKind.Range)
            {
                Keys = keys,
                Level = Random.Chance(500) ? ReadLevel.ReadIndex : ReadLevel.Leader,
            };
        }

        if (kind is >= 20 and < 23 && !SimModel.IsOfFamily(key))
        {
            return new SimOp(world.NextOpId(), SimOpKind.SnapshotRead)
            {
                Keys = [key],
                ReadVersion = OlderVersion(),
                At = Random.Next(profile.AllNodes),
            };
        }

        if (kind < 50)
        {
            ReadLevel level = kind < 25 ? ReadLevel.ReadIndex : kind < 42 ? ReadLevel.Leader : ReadLevel.Local;
            return new SimOp(world.NextOpId(), SimOpKind.Read)
            {
                Keys = [key],
                Level = level,
                At = level == ReadLevel.Leader ? null : Random.Next(profile.AllNodes),
            };
        }

        SimIdentity? identity = session.IsOpen && Random.Chance(800) ? session.Next() : null;
        string other = AnyKey();
        return kind < 75
            ? new SimOp(world.NextOpId(), SimOpKind.Set)
            {
                Principal = AnyPrincipal(),
                Keys = [key],
                Identity = identity,
                PaddingBytes = AnyPadding(),
            }
            : kind < 82
                ? new SimOp(world.NextOpId(), SimOpKind.Delete)
                {
                    Principal = AnyPrincipal(),
                    Keys = [key],
                    Identity = identity,
                }
                : AnyCommit(key, other, identity);
    }

    private SimOp AnyCommit(string key, string other, SimIdentity? identity)
    {
        string? principal = AnyPrincipal();
        return new SimOp(world.NextOpId(), SimOpKind.Commit)
        {
            Principal = principal,
            Keys = key == other ? [key] : [key, other],
            ConflictKeys = Random.Chance(800) ? [Random.Chance(500) ? key : AnyKey()] : [],
            ConflictRange = principal is null && Random.Chance(300) && DefaultKeys() is { Count: > 0 } read
                ? (read[0], read[^1])
                : null,
            IsStamped = Random.Chance(300),
            PaddingBytes = Math.Max(0, AnyPadding()),
            ReadVersion = Random.Chance(900) ? Math.Max(0, _seenVersion - Random.Next(3)) : OlderVersion(),
            Identity = identity,
        };
    }

    /// <summary>Commands of users are taken from their feature level on.</summary>
    private bool HasUsers => profile.HasUsers && world.Checker.FeatureLevel >= FeatureLevels.Principals;

    private string? AnyPrincipal() => HasUsers && Random.Chance(400) ? AnyUser() : null;

    private string AnyUser() => Random.Chance(500) ? "ada" : "bob";

    private SimAccessChange AnyChange() => Random.Next(10) switch
    {
        0 => new SimAccessChange(AnyUser(), null, true),
        < 6 => new SimAccessChange(AnyUser(), AnyPrefix(), true),
        _ => new SimAccessChange(AnyUser(), AnyPrefix(), false),
    };

    private string AnyPrefix() => Random.Chance(300) ? "" : AnyKey();

    /// <summary>Of one who has begun long ago.</summary>
    private long OlderVersion() => Math.Max(0, _seenVersion - Random.Next(1 << Random.Next(10)));

    private List<string> DefaultKeys()
    {
        List<string> keys = [.. world.Keys.Where(key => !key.StartsWith(SimOp.Family, StringComparison.Ordinal))];
        return keys.Count == 0 ? keys : keys.GetRange(0, 1 + Random.Next(keys.Count));
    }

    private int AnyPadding() => Random.Next(20) switch
    {
        0 => -1,
        1 => Random.Next(6_000),
        < 6 => Random.Next(200),
        _ => 0,
    };

    private string AnyKey() => world.Keys[Random.Next(world.Keys.Count)];
}
