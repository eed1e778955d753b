using KvCloud.Node.Operations;

namespace KvCloud.Tests.Node.Operations;

public sealed class CommandCodecTests
{
    private static readonly RequestIdentity Identity = new(long.MaxValue, 1, 127);

    private static readonly KvCommand[] Samples =
    [
        new SetCommand(null, new byte[] { 1 }, ReadOnlyMemory<byte>.Empty),
        new SetCommand("users", new byte[] { 1, 2 }, new byte[300]) { Identity = Identity },
        new DeleteCommand("größe", new byte[] { 0xFF }) { Identity = new RequestIdentity(1, 128, 16_384) },
        new CommitCommand(new CommitVersion(1), [], [], []),
        new CommitCommand(
            new CommitVersion(1L << 40),
            [
                new Mutation(MutationKind.Set, null, new byte[] { 1 }, new byte[] { 2 }),
                new Mutation(MutationKind.Delete, "users", new byte[] { 1 }, default),
                new Mutation(MutationKind.SetVersionstampedKey, null, new byte[20], new byte[] { 3 }),
                new Mutation(MutationKind.SetVersionstampedValue, null, new byte[] { 4 }, new byte[10]),
            ],
            [new ConflictKey(null, new byte[] { 5 }), new ConflictKey("users", new byte[] { 6 })],
            [
                new ConflictRange(null, ReadOnlyMemory<byte>.Empty, null),
                new ConflictRange("users", new byte[] { 7 }, new ReadOnlyMemory<byte>(new byte[] { 8, 9 })),
                new ConflictRange(null, new byte[] { 7 }, ReadOnlyMemory<byte>.Empty),
            ]) { Identity = Identity },
        new OpenSessionCommand(),
        new CreateColumnFamilyCommand("users") { Identity = Identity },
        new DropColumnFamilyCommand("users"),
        new RaiseFeatureLevelCommand(300),
        new ChangeAccessCommand(new byte[] { 1, 2, 3 }) { Identity = Identity },
        new SetCommand(null, new byte[] { 1 }, new byte[] { 2 }) { Principal = new byte[] { 1, 1, 65 } },
        new DeleteCommand("users", new byte[] { 1 }) { Identity = Identity, Principal = new byte[200] },
    ];

    public static TheoryData<int> Indexes => new(Enumerable.Range(0, Samples.Length));

    [Theory]
    [MemberData(nameof(Indexes))]
    public void TryDecode_gives_back_what_was_encoded(int index)
    {
        byte[] encoding = CommandCodec.Encode(Samples[index]);

        Assert.True(CommandCodec.TryDecode(encoding, out KvCommand? decoded, out string? error), error);

        Assert.Equal(Describe(Samples[index]), Describe(decoded));
        Assert.Equal(encoding, CommandCodec.Encode(decoded));
    }

    [Theory]
    [MemberData(nameof(Indexes))]
    public void TryDecode_of_every_shorter_encoding_fails_with_a_reason(int index)
    {
        byte[] encoding = CommandCodec.Encode(Samples[index]);
        for (int length = 0; length < encoding.Length; length++)
        {
            bool decoded = CommandCodec.TryDecode(
                encoding.AsMemory(0, length), out KvCommand? command, out string? error);

            Assert.False(decoded && command is null);
            Assert.True(decoded || error!.Length > 0);
            Assert.False(decoded, $"{length} of {encoding.Length} bytes were taken for a whole command");
        }
    }

    [Fact]
    public void TryDecode_of_more_than_a_command_fails()
    {
        foreach (KvCommand command in Samples)
        {
            byte[] longer = [.. CommandCodec.Encode(command), 0];

            Assert.False(CommandCodec.TryDecode(longer, out _, out _));
        }
    }

    [Fact]
    public void TryDecode_of_random_damage_never_throws_but_for_what_is_newer()
    {
        for (int seed = 0; seed < 20_000; seed++)
        {
            var random = new Random(seed);
            byte[] encoding = CommandCodec.Encode(Samples[random.Next(Samples.Length)]);
            for (int change = random.Next(1, 5); change > 0; change--)
            {
                encoding[random.Next(1, encoding.Length)] = (byte)random.Next(256);
            }

            encoding[1] = (byte)(encoding[1] % (Enum.GetValues<CommandKind>().Length + 1));

            bool decoded = CommandCodec.TryDecode(encoding, out KvCommand? command, out string? error);

            Assert.Equal(decoded, command is not null);
            Assert.Equal(decoded, error is null);
        }
    }

    [Fact]
    public void TryDecode_of_a_lying_count_does_not_allocate_for_it()
    {
        // A commit of version 1 whose number of mutations is 2^62.
        byte[] encoding = [1, (byte)CommandKind.Commit, 0, 1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40];
        long before = GC.GetAllocatedBytesForCurrentThread();

        Assert.False(CommandCodec.TryDecode(encoding, out _, out _));

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
    }

    [Fact]
    public void TryDecode_unknown_version_stops_rather_than_skips()
    {
        byte[] encoding = CommandCodec.Encode(Samples[0]);
        encoding[0] = 2;

        UnknownFormatException stop = Assert.Throws<UnknownFormatException>(
            () => CommandCodec.TryDecode(encoding, out _, out _));

        Assert.Contains("upgrade", stop.Message, StringComparison.Ordinal);
    }

    /// <summary>Answered as malformed, it would be a write to the replicas that know it and none to this one.</summary>
    [Fact]
    public void TryDecode_of_an_unknown_kind_stops_rather_than_skips()
    {
        byte[] encoding = CommandCodec.Encode(Samples[0]);
        encoding[1] = (byte)(Enum.GetValues<CommandKind>().Max() + 1);

        UnknownFormatException stop = Assert.Throws<UnknownFormatException>(
            () => CommandCodec.TryDecode(encoding, out _, out _));

        Assert.Contains("command kind", stop.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void CommandKind_of_every_value_has_a_sample() => Assert.Equal(
        Enum.GetValues<CommandKind>().Select(kind => (byte)kind),
        Samples.Select(sample => CommandCodec.Encode(sample)[1]).Distinct().Order());

    [Fact]
    public void TryDecode_of_a_value_copies_none()
    {
        byte[] encoding = CommandCodec.Encode(new SetCommand(null, new byte[] { 1 }, new byte[] { 2 }));
        Assert.True(CommandCodec.TryDecode(encoding, out KvCommand? command, out _));

        encoding[^1] = 9;

        Assert.Equal(9, ((SetCommand)command).Value.Span[0]);
    }

    [Fact]
    public void ContentHash_of_a_command_leaves_out_the_identity()
    {
        ulong Hash(KvCommand command)
        {
            Assert.True(
                CommandCodec.TryReadEnvelope(CommandCodec.Encode(command), out CommandEnvelope envelope, out _));
            return envelope.ContentHash();
        }

        Assert.Equal(Hash(Samples[0]), Hash(Samples[0] with { Identity = Identity }));
        Assert.NotEqual(
            Hash(new CreateColumnFamilyCommand("users")), Hash(new DropColumnFamilyCommand("users")));
    }

    [Fact]
    public void TryOpen_of_a_batch_gives_back_its_header_and_commands()
    {
        var writer = new CommandBatchWriter(initialCapacityBytes: 1);
        foreach (KvCommand command in Samples)
        {
            writer.Add(CommandCodec.Encode(command));
        }

        int announced = writer.SizeBytes;
        byte[] payload = writer.Build(1234, new MvccRetention(5, 6));

        Assert.Equal(announced, payload.Length);
        Assert.Equal(0, writer.Count);
        Assert.True(CommandBatch.TryOpen(payload, out CommandBatch batch, out string? error), error);
        Assert.Equal(new BatchHeader(1234, new MvccRetention(5, 6), Samples.Length), batch.Header);
        var commands = new List<byte[]>();
        CommandBatch.Enumerator enumerator = batch.GetEnumerator();
        while (enumerator.MoveNext())
        {
            commands.Add(enumerator.Current.ToArray());
        }

        Assert.True(enumerator.IsComplete);
        Assert.Equal(Samples.Select(CommandCodec.Encode), commands);
    }

    [Fact]
    public void TryOpen_of_random_damage_never_throws_but_for_the_version()
    {
        var writer = new CommandBatchWriter();
        for (int seed = 0; seed < 5_000; seed++)
        {
            var random = new Random(seed);
            writer.Add(CommandCodec.Encode(Samples[random.Next(Samples.Length)]));
            byte[] payload = writer.Build(1, MvccRetention.Default);
            payload[random.Next(1, payload.Length)] ^= (byte)random.Next(1, 256);
            if (!CommandBatch.TryOpen(
                payload.AsMemory(0, random.Next(payload.Length) + 1), out CommandBatch batch, out _))
            {
                continue;
            }

            CommandBatch.Enumerator enumerator = batch.GetEnumerator();
            int commands = 0;
            while (enumerator.MoveNext())
            {
                commands++;
            }

            Assert.InRange(commands, 0, payload.Length);
        }
    }

    private static string Describe(KvCommand command) => command switch
    {
        SetCommand set => $"set {set.ColumnFamily} {Hex(set.Key)} {Hex(set.Value)} {set.Identity}",
        DeleteCommand delete => $"delete {delete.ColumnFamily} {Hex(delete.Key)} {delete.Identity}",
        CommitCommand commit => $"commit {commit.ReadVersion} {commit.Identity} "
            + string.Join(
                ';',
                commit.Mutations.Select(m => $"{m.Kind} {m.ColumnFamily} {Hex(m.Key)} {Hex(m.Value)}")
                    .Concat(commit.ConflictKeys.Select(k => $"{k.ColumnFamily} {Hex(k.Key)}"))
                    .Concat(commit.ConflictRanges.Select(r =>
                        $"{r.ColumnFamily} {Hex(r.Begin)} {(r.End is ReadOnlyMemory<byte> end ? Hex(end) : "none")}"))),
        _ => command.ToString(),
    };

    private static string Hex(ReadOnlyMemory<byte> bytes) => $"[{Convert.ToHexString(bytes.Span)}]";
}
