using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace KvCloud.Node.Operations;

/// <summary>
/// The encoding of commands on the wire between replicas and in their logs: <c>version(1) kind(1) flags(1) [client id,
/// sequence, acknowledged below] [principal] body</c>. Numbers are unsigned LEB128, byte strings are prefixed with
/// their length.
/// </summary>
/// <remarks>
/// Decoding copies nothing: keys and values are slices of the input, which must not change. Input that violates the
/// format returns false and one sentence; it never throws. A version or a kind newer than this program throws
/// <see cref="UnknownFormatException"/>, because other replicas may know it.
/// Over 400 lines: the encoding of every command is here, each written beside how it is read.
/// </remarks>
internal static class CommandCodec
{
    public const byte FormatVersion = 1;

    private const byte HasIdentity = 1;
    private const byte HasPrincipal = 2;
    private const byte AllFlags = HasIdentity | HasPrincipal;
    private const byte HasEnd = 1;

    private static readonly byte NewestKind = (byte)Enum.GetValues<CommandKind>().Max();

    public static byte[] Encode(KvCommand command)
    {
        byte[] encoding = GC.AllocateUninitializedArray<byte>(EnvelopeSize(command) + BodySize(command));
        var writer = new ByteWriter(encoding);
        writer.WriteByte(FormatVersion);
        writer.WriteByte((byte)KindOf(command));
        writer.WriteByte((byte)(
            (command.Identity is null ? 0 : HasIdentity) | (command.Principal.IsEmpty ? 0 : HasPrincipal)));
        if (command.Identity is RequestIdentity identity)
        {
            writer.WriteNumber(identity.ClientId);
            writer.WriteNumber(identity.Sequence);
            writer.WriteNumber(identity.AcknowledgedBelow);
        }

        if (!command.Principal.IsEmpty)
        {
            writer.WriteBytes(command.Principal.Span);
        }

        WriteBody(ref writer, command);
        return encoding;
    }

    public static bool TryDecode(
        ReadOnlyMemory<byte> encoding,
        [NotNullWhen(true)] out KvCommand? command,
        [NotNullWhen(false)] out string? error)
    {
        command = null;
        return TryReadEnvelope(encoding, out CommandEnvelope envelope, out error)
            && TryReadCommand(envelope, out command, out error);
    }

    /// <summary>Looks at the first bytes only; false if there are none.</summary>
    public static bool TryReadKind(ReadOnlySpan<byte> encoding, out byte format, out byte kind)
    {
        bool isThere = encoding.Length >= 2;
        format = isThere ? encoding[0] : (byte)0;
        kind = isThere ? encoding[1] : (byte)0;
        return isThere;
    }

    /// <summary>Whether the encoding carries a principal; false for what is cut short before it.</summary>
    public static bool HasPrincipalOf(ReadOnlySpan<byte> encoding) =>
        encoding.Length >= 3 && encoding[2] <= AllFlags && (encoding[2] & HasPrincipal) != 0;

    /// <summary>
    /// What a release that does not know principals says of such a command, and every release below their level.
    /// </summary>
    public static string UnknownFlags(in CommandEnvelope envelope) => UnknownText(
        (byte)envelope.Kind, (byte)(HasPrincipal | (envelope.Identity is null ? 0 : HasIdentity)));

    /// <summary>The first step of decoding; one of the readers below is the second.</summary>
    public static bool TryReadEnvelope(
        ReadOnlyMemory<byte> encoding, out CommandEnvelope envelope, [NotNullWhen(false)] out string? error)
    {
        var reader = new ByteReader(encoding);
        envelope = default;
        if (!reader.TryReadByte(out byte version) || !reader.TryReadByte(out byte kind)
            || !reader.TryReadByte(out byte flags))
        {
            error = "the command is shorter than its header";
            return false;
        }

        if (version != FormatVersion)
        {
            throw new UnknownFormatException("command", version, FormatVersion);
        }

        if (kind > NewestKind)
        {
            throw new UnknownFormatException("command kind", kind, NewestKind);
        }

        if (kind < (byte)CommandKind.Set || flags > AllFlags)
        {
            error = UnknownText(kind, flags);
            return false;
        }

        RequestIdentity? identity = null;
        if ((flags & HasIdentity) != 0)
        {
            if (!reader.TryReadNumber(out long clientId) || !reader.TryReadNumber(out long sequence)
                || !reader.TryReadNumber(out long acknowledgedBelow))
            {
                error = "the request identity is cut short";
                return false;
            }

            identity = new RequestIdentity(clientId, sequence, acknowledgedBelow);
        }

        ReadOnlyMemory<byte> principal = default;
        if ((flags & HasPrincipal) != 0 && (!reader.TryReadBytes(out principal) || principal.IsEmpty))
        {
            error = "the principal of the command is cut short";
            return false;
        }

        envelope = new CommandEnvelope((CommandKind)kind, identity, reader.Rest, principal);
        error = null;
        return true;
    }

    public static bool TryReadSet(in CommandEnvelope envelope, out SetBody body)
    {
        var reader = new ByteReader(envelope.Body);
        bool read = reader.TryReadBytes(out ReadOnlyMemory<byte> columnFamily)
            & reader.TryReadBytes(out ReadOnlyMemory<byte> key)
            & reader.TryReadBytes(out ReadOnlyMemory<byte> value);
        body = new SetBody(columnFamily, key, value);
        return read && reader.IsAtEnd;
    }

    public static bool TryReadDelete(in CommandEnvelope envelope, out DeleteBody body)
    {
        var reader = new ByteReader(envelope.Body);
        bool read = reader.TryReadBytes(out ReadOnlyMemory<byte> columnFamily)
            & reader.TryReadBytes(out ReadOnlyMemory<byte> key);
        body = new DeleteBody(columnFamily, key);
        return read && reader.IsAtEnd;
    }

    public static bool TryReadCommand(
        in CommandEnvelope envelope,
        [NotNullWhen(true)] out KvCommand? command,
        [NotNullWhen(false)] out string? error)
    {
        command = envelope.Kind switch
        {
            CommandKind.Set => TryReadSet(envelope, out SetBody set)
                ? new SetCommand(TextOf(set.ColumnFamily), set.Key, set.Value) : null,
            CommandKind.Delete => TryReadDelete(envelope, out DeleteBody delete)
                ? new DeleteCommand(TextOf(delete.ColumnFamily), delete.Key) : null,
            CommandKind.Commit => ReadCommit(envelope.Body),
            CommandKind.OpenSession => envelope.Body.IsEmpty ? new OpenSessionCommand() : null,
            CommandKind.CreateColumnFamily => ReadName(envelope.Body) is string name
                ? new CreateColumnFamilyCommand(name) : null,
            CommandKind.DropColumnFamily => ReadName(envelope.Body) is string name
                ? new DropColumnFamilyCommand(name) : null,
            CommandKind.RaiseFeatureLevel => ReadLevel(envelope.Body),
            CommandKind.ChangeAccess => ReadChange(envelope.Body) is ReadOnlyMemory<byte> change
                ? new ChangeAccessCommand(change) : null,
            _ => null,
        };
        error = command is null ? $"the body of the {envelope.Kind} command is malformed" : null;
        if (command is not null && (envelope.Identity is not null || !envelope.Principal.IsEmpty))
        {
            command = command with { Identity = envelope.Identity, Principal = envelope.Principal };
        }

        return command is not null;
    }

    private static CommandKind KindOf(KvCommand command) => command switch
    {
        SetCommand => CommandKind.Set,
        DeleteCommand => CommandKind.Delete,
        CommitCommand => CommandKind.Commit,
        OpenSessionCommand => CommandKind.OpenSession,
        CreateColumnFamilyCommand => CommandKind.CreateColumnFamily,
        DropColumnFamilyCommand => CommandKind.DropColumnFamily,
        RaiseFeatureLevelCommand => CommandKind.RaiseFeatureLevel,
        ChangeAccessCommand => CommandKind.ChangeAccess,
        _ => throw new ArgumentException($"{command.GetType().Name} has no encoding", nameof(command)),
    };

    private static int EnvelopeSize(KvCommand command) => 3 + (command.Identity is RequestIdentity identity
        ? ByteWriter.NumberSize(identity.ClientId) + ByteWriter.NumberSize(identity.Sequence)
            + ByteWriter.NumberSize(identity.AcknowledgedBelow)
        : 0) + (command.Principal.IsEmpty ? 0 : ByteWriter.BytesSize(command.Principal.Length));

    private static int BodySize(KvCommand command) => command switch
    {
        SetCommand set => TextSize(set.ColumnFamily) + ByteWriter.BytesSize(set.Key.Length)
            + ByteWriter.BytesSize(set.Value.Length),
        DeleteCommand delete => TextSize(delete.ColumnFamily) + ByteWriter.BytesSize(delete.Key.Length),
        CommitCommand commit => CommitSize(commit),
        CreateColumnFamilyCommand create => TextSize(create.Name),
        DropColumnFamilyCommand drop => TextSize(drop.Name),
        RaiseFeatureLevelCommand raise => ByteWriter.NumberSize(raise.Level),
        ChangeAccessCommand access => ByteWriter.BytesSize(access.Change.Length),
        _ => 0,
    };

    private static int CommitSize(CommitCommand commit)
    {
        int size = checked(ByteWriter.NumberSize(commit.ReadVersion.Value)
            + ByteWriter.NumberSize(commit.Mutations.Count)
            + ByteWriter.NumberSize(commit.ConflictKeys.Count)
            + ByteWriter.NumberSize(commit.ConflictRanges.Count));
        foreach (Mutation mutation in commit.Mutations)
        {
            size = checked(size + 1 + TextSize(mutation.ColumnFamily) + ByteWriter.BytesSize(mutation.Key.Length)
                + ByteWriter.BytesSize(mutation.Value.Length));
        }

        foreach (ConflictKey key in commit.ConflictKeys)
        {
            size = checked(size + TextSize(key.ColumnFamily) + ByteWriter.BytesSize(key.Key.Length));
        }

        foreach (ConflictRange range in commit.ConflictRanges)
        {
            size = checked(size + 1 + TextSize(range.ColumnFamily) + ByteWriter.BytesSize(range.Begin.Length)
                + (range.End is ReadOnlyMemory<byte> end ? ByteWriter.BytesSize(end.Length) : 0));
        }

        return size;
    }

    private static void WriteBody(ref ByteWriter writer, KvCommand command)
    {
        switch (command)
        {
            case SetCommand set:
                writer.WriteText(set.ColumnFamily);
                writer.WriteBytes(set.Key.Span);
                writer.WriteBytes(set.Value.Span);
                break;
            case DeleteCommand delete:
                writer.WriteText(delete.ColumnFamily);
                writer.WriteBytes(delete.Key.Span);
                break;
            case CommitCommand commit:
                WriteCommit(ref writer, commit);
                break;
            case CreateColumnFamilyCommand create:
                writer.WriteText(create.Name);
                break;
            case DropColumnFamilyCommand drop:
                writer.WriteText(drop.Name);
                break;
            case RaiseFeatureLevelCommand raise:
                writer.WriteNumber(raise.Level);
                break;
            case ChangeAccessCommand access:
                writer.WriteBytes(access.Change.Span);
                break;
            default:
                break;
        }
    }

    private static void WriteCommit(ref ByteWriter writer, CommitCommand commit)
    {
        writer.WriteNumber(commit.ReadVersion.Value);
        writer.WriteNumber(commit.Mutations.Count);
        foreach (Mutation mutation in commit.Mutations)
        {
            writer.WriteByte((byte)mutation.Kind);
            writer.WriteText(mutation.ColumnFamily);
            writer.WriteBytes(mutation.Key.Span);
            writer.WriteBytes(mutation.Value.Span);
        }

        writer.WriteNumber(commit.ConflictKeys.Count);
        foreach (ConflictKey key in commit.ConflictKeys)
        {
            writer.WriteText(key.ColumnFamily);
            writer.WriteBytes(key.Key.Span);
        }

        writer.WriteNumber(commit.ConflictRanges.Count);
        foreach (ConflictRange range in commit.ConflictRanges)
        {
            writer.WriteByte(range.End is null ? (byte)0 : HasEnd);
            writer.WriteText(range.ColumnFamily);
            writer.WriteBytes(range.Begin.Span);
            if (range.End is ReadOnlyMemory<byte> end)
            {
                writer.WriteBytes(end.Span);
            }
        }
    }

    private static CommitCommand? ReadCommit(ReadOnlyMemory<byte> body)
    {
        var reader = new ByteReader(body);
        return reader.TryReadNumber(out long readVersion)
            && ReadMutations(ref reader) is { } mutations
            && ReadConflictKeys(ref reader) is { } keys
            && ReadConflictRanges(ref reader) is { } ranges
            && reader.IsAtEnd
            ? new CommitCommand(new CommitVersion(readVersion), mutations, keys, ranges)
            : null;
    }

    private static Mutation[]? ReadMutations(ref ByteReader reader)
    {
        // Each element takes at least four bytes. Reject a larger count before allocating for it.
        if (!reader.TryReadNumber(out long count) || count > reader.Remaining / 4)
        {
            return null;
        }

        var mutations = new Mutation[count];
        for (int i = 0; i < mutations.Length; i++)
        {
            if (!reader.TryReadByte(out byte kind)
                || kind is < (byte)MutationKind.Set or > (byte)MutationKind.SetVersionstampedValue
                || !reader.TryReadBytes(out ReadOnlyMemory<byte> columnFamily)
                || !reader.TryReadBytes(out ReadOnlyMemory<byte> key)
                || !reader.TryReadBytes(out ReadOnlyMemory<byte> value))
            {
                return null;
            }

            mutations[i] = new Mutation((MutationKind)kind, TextOf(columnFamily), key, value);
        }

        return mutations;
    }

    private static ConflictKey[]? ReadConflictKeys(ref ByteReader reader)
    {
        if (!reader.TryReadNumber(out long count) || count > reader.Remaining / 2)
        {
            return null;
        }

        var keys = new ConflictKey[count];
        for (int i = 0; i < keys.Length; i++)
        {
            if (!reader.TryReadBytes(out ReadOnlyMemory<byte> columnFamily)
                || !reader.TryReadBytes(out ReadOnlyMemory<byte> key))
            {
                return null;
            }

            keys[i] = new ConflictKey(TextOf(columnFamily), key);
        }

        return keys;
    }

    private static ConflictRange[]? ReadConflictRanges(ref ByteReader reader)
    {
        if (!reader.TryReadNumber(out long count) || count > reader.Remaining / 3)
        {
            return null;
        }

        var ranges = new ConflictRange[count];
        for (int i = 0; i < ranges.Length; i++)
        {
            ReadOnlyMemory<byte> end = default;
            if (!reader.TryReadByte(out byte flags)
                || flags > HasEnd
                || !reader.TryReadBytes(out ReadOnlyMemory<byte> columnFamily)
                || !reader.TryReadBytes(out ReadOnlyMemory<byte> begin)
                || (flags == HasEnd && !reader.TryReadBytes(out end)))
            {
                return null;
            }

            // Not a conditional expression: there, null would be converted to an empty memory by way of byte[].
            ReadOnlyMemory<byte>? exclusiveEnd = null;
            if (flags == HasEnd)
            {
                exclusiveEnd = end;
            }

            ranges[i] = new ConflictRange(TextOf(columnFamily), begin, exclusiveEnd);
        }

        return ranges;
    }

    private static RaiseFeatureLevelCommand? ReadLevel(ReadOnlyMemory<byte> body)
    {
        var reader = new ByteReader(body);
        return reader.TryReadNumber(out long level) && reader.IsAtEnd && level is >= 0 and <= int.MaxValue
            ? new RaiseFeatureLevelCommand((int)level)
            : null;
    }

    private static ReadOnlyMemory<byte>? ReadChange(ReadOnlyMemory<byte> body)
    {
        var reader = new ByteReader(body);
        if (reader.TryReadBytes(out ReadOnlyMemory<byte> change) && reader.IsAtEnd)
        {
            return change;
        }

        return null;
    }

    private static string UnknownText(byte kind, byte flags) =>
        $"a command of kind {kind} with flags {flags} is not known";

    private static string? ReadName(ReadOnlyMemory<byte> body)
    {
        var reader = new ByteReader(body);
        return reader.TryReadBytes(out ReadOnlyMemory<byte> name) && reader.IsAtEnd
            ? Encoding.UTF8.GetString(name.Span)
            : null;
    }

    private static int TextSize(string? text) =>
        text is null ? 1 : ByteWriter.BytesSize(Encoding.UTF8.GetByteCount(text));

    private static string? TextOf(ReadOnlyMemory<byte> text) =>
        text.IsEmpty ? null : Encoding.UTF8.GetString(text.Span);
}
