using KvCloud.Node.Operations;

namespace KvCloud.Node.Diagnostics;

/// <summary>A command of a slot, without values and without what could be a secret.</summary>
/// <param name="Kind">set, delete, commit, open_session, …; unknown for one of a newer release.</param>
internal sealed record CommandAnswer(string Kind)
{
    public const int MaxMutations = 10;

    public const int MaxKeyBytes = 256;

    public string? ColumnFamily { get; init; }

    /// <summary>In base64, cut off after <see cref="MaxKeyBytes"/>.</summary>
    public byte[]? Key { get; init; }

    public int? KeyBytes { get; init; }

    public int? ValueBytes { get; init; }

    /// <summary>Of a commit, the version at which the transaction read.</summary>
    public long? ReadVersion { get; init; }

    /// <summary>Of a commit; <see cref="Mutations"/> has the first of them.</summary>
    public int? MutationCount { get; init; }

    public IReadOnlyList<CommandAnswer>? Mutations { get; init; }

    /// <summary>Of a commit, how many keys it has read.</summary>
    public int? ConflictKeys { get; init; }

    /// <summary>Of a commit, how many ranges it has read.</summary>
    public int? ConflictRanges { get; init; }

    public int? FeatureLevel { get; init; }

    /// <summary>Of a command that a session makes run once; with the sequence.</summary>
    public long? ClientId { get; init; }

    public long? Sequence { get; init; }

    public static CommandAnswer Of(ReadOnlyMemory<byte> encoding)
    {
        try
        {
            return CommandCodec.TryDecode(encoding, out KvCommand? command, out _)
                ? Of(command) with
                {
                    ClientId = command.Identity?.ClientId,
                    Sequence = command.Identity?.Sequence,
                }
                : new CommandAnswer("malformed");
        }
        catch (UnknownFormatException)
        {
            return new CommandAnswer("unknown");
        }
    }

    private static CommandAnswer Of(KvCommand command) => command switch
    {
        SetCommand set => OfKey("set", set.ColumnFamily, set.Key, set.Value.Length),
        DeleteCommand delete => OfKey("delete", delete.ColumnFamily, delete.Key, null),
        CommitCommand commit => new CommandAnswer("commit")
        {
            ReadVersion = commit.ReadVersion.Value,
            MutationCount = commit.Mutations.Count,
            Mutations = [.. commit.Mutations.Take(MaxMutations).Select(Of)],
            ConflictKeys = commit.ConflictKeys.Count,
            ConflictRanges = commit.ConflictRanges.Count,
        },
        OpenSessionCommand => new CommandAnswer("open_session"),
        CreateColumnFamilyCommand create => new CommandAnswer("create_column_family") { ColumnFamily = create.Name },
        DropColumnFamilyCommand drop => new CommandAnswer("drop_column_family") { ColumnFamily = drop.Name },
        RaiseFeatureLevelCommand raise => new CommandAnswer("raise_feature_level") { FeatureLevel = raise.Level },

        // What is in it may be the hash of a password.
        ChangeAccessCommand => new CommandAnswer("change_access"),
        _ => new CommandAnswer("unknown"),
    };

    private static CommandAnswer Of(Mutation mutation) => OfKey(
        mutation.Kind switch
        {
            MutationKind.Set => "set",
            MutationKind.Delete => "delete",
            MutationKind.SetVersionstampedKey => "set_versionstamped_key",
            _ => "set_versionstamped_value",
        },
        mutation.ColumnFamily,
        mutation.Key,
        mutation.Kind == MutationKind.Delete ? null : mutation.Value.Length);

    private static CommandAnswer OfKey(
        string kind, string? columnFamily, ReadOnlyMemory<byte> key, int? valueBytes) => new(kind)
        {
            ColumnFamily = columnFamily,
            Key = key[..Math.Min(key.Length, MaxKeyBytes)].ToArray(),
            KeyBytes = key.Length,
            ValueBytes = valueBytes,
        };
}
