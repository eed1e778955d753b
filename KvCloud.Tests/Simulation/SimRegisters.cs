using KvCloud.Consensus;
using KvCloud.Protocol;

namespace KvCloud.Tests.Simulation;

/// <summary>What one client does to the registers: reads and writes of every kind, each for itself.</summary>
internal sealed class SimRegisters(SimClient client, SimWorld world, SimProfile profile)
{
    private long _session;
    private long _sequence;
    private long _seenVersion;

    private DeterministicRandom Random => world.Random;

    public IEnumerable<SimOp> Run()
    {
        while (true)
        {
            yield return MakeUp();
            if (client.Read is SimReadAnswer answer)
            {
                _seenVersion = Math.Max(_seenVersion, answer.Version);
            }
            else if (client.Written is { Code: ErrorCode.OK } result)
            {
                _seenVersion = Math.Max(_seenVersion, result.Version.Value);
                if (client.Op!.Kind == SimOpKind.OpenSession)
                {
                    _session = result.Version.Value;
                    _sequence = 0;
                }
            }
        }
    }

    private SimOp MakeUp()
    {
        if (_session == 0 && Random.Chance(500))
        {
            return new SimOp(world.NextOpId(), SimOpKind.OpenSession);
        }

        string key = AnyKey();
        int kind = Random.Next(100);
        if (kind < 50)
        {
            ReadLevel level = kind < 25 ? ReadLevel.ReadIndex : kind < 42 ? ReadLevel.Leader : ReadLevel.Local;
            return new SimOp(world.NextOpId(), SimOpKind.Read)
            {
                Keys = [key],
                Level = level,
                At = level == ReadLevel.Leader ? null : Random.Next(profile.Nodes),
            };
        }

        SimIdentity? identity = _session != 0 && Random.Chance(800)
            ? new SimIdentity(_session, ++_sequence, _sequence)
            : null;
        string other = AnyKey();
        return kind < 75
            ? new SimOp(world.NextOpId(), SimOpKind.Set) { Keys = [key], Identity = identity }
            : kind < 82
                ? new SimOp(world.NextOpId(), SimOpKind.Delete) { Keys = [key], Identity = identity }
                : new SimOp(world.NextOpId(), SimOpKind.Commit)
                {
                    Keys = key == other ? [key] : [key, other],
                    ConflictKeys = [Random.Chance(500) ? key : AnyKey()],
                    ReadVersion = Math.Max(0, _seenVersion - Random.Next(3)),
                    Identity = identity,
                };
    }

    private string AnyKey() => world.Keys[Random.Next(world.Keys.Count)];
}
