using KvCloud.Node.Operations;

namespace KvCloud.Tests.Node.State;

/// <summary>Commands on few keys, families and sessions, so that they meet often; some of them wrong.</summary>
internal sealed class RandomCommands(Random random, StateModel model)
{
    private readonly List<KvCommand> _withIdentity = [];
    private long _nextSequence = 1;

    public KvCommand Next()
    {
        if (_withIdentity.Count > 0 && random.Next(12) == 0)
        {
            return _withIdentity[random.Next(_withIdentity.Count)];
        }

        KvCommand command = random.Next(20) switch
        {
            < 8 => new SetCommand(Family(), Key(), Value()),
            < 11 => new DeleteCommand(Family(), Key()),
            < 17 => Commit(),
            17 => new OpenSessionCommand(),
            18 => new CreateColumnFamilyCommand(NamedFamily()),
            _ => random.Next(3) == 0 ? new DropColumnFamilyCommand(NamedFamily()) : new DeleteCommand(null, Key()),
        };
        if (model.SessionIds.Count == 0 || random.Next(3) != 0)
        {
            return command;
        }

        long session = model.SessionIds[random.Next(model.SessionIds.Count)];
        command = command with
        {
            Identity = new RequestIdentity(
                session, _nextSequence++, random.Next(3) == 0 ? Math.Max(0, _nextSequence - random.Next(30)) : 0),
        };
        _withIdentity.Add(command);
        return command;
    }

    private CommitCommand Commit()
    {
        // Now and then from below the window.
        int age = random.Next(1, random.Next(10) == 0 ? 400 : 30);
        long version = Math.Max(0, model.Version.Value + 1 - age);
        return new CommitCommand(
            new CommitVersion(random.Next(40) == 0 ? model.Version.Value + 1_000 : version),
            [.. Enumerable.Range(0, random.Next(5)).Select(_ => Mutation())],
            [.. Enumerable.Range(0, random.Next(3)).Select(_ => new ConflictKey(Family(), Key()))],
            [.. Enumerable.Range(0, random.Next(3) / 2).Select(_ => new ConflictRange(Family(), Key(), End()))]);
    }

    private Mutation Mutation() => random.Next(8) switch
    {
        < 4 => new Mutation(MutationKind.Set, Family(), Key(), Value()),
        < 6 => new Mutation(MutationKind.Delete, Family(), Key(), default),
        6 => new Mutation(MutationKind.SetVersionstampedValue, Family(), Key(), new byte[random.Next(8, 20)]),
        _ => new Mutation(MutationKind.Set, null, random.Next(20) == 0 ? default : Key(), Value()),
    };

    private byte[] Key() => model.AllKeys[random.Next(model.AllKeys.Count)];

    private byte[] Value()
    {
        byte[] value = new byte[random.Next(20) == 0 ? 5_000 : random.Next(30)];
        random.NextBytes(value);
        return value;
    }

    private ReadOnlyMemory<byte>? End()
    {
        if (random.Next(4) == 0)
        {
            return null;
        }

        return Key();
    }

    private string? Family() => random.Next(6) switch
    {
        0 => NamedFamily(),
        1 => "default",
        _ => null,
    };

    private string NamedFamily() => $"cf{random.Next(3)}";
}
