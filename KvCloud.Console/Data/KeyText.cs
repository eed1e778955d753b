using KvCloud.Client;
using KvCloud.Monitoring;

namespace KvCloud.WebConsole.Data;

/// <summary>Keys and commands of the nodes' answers as one line of text.</summary>
public static class KeyText
{
    /// <summary>The column family is named unless it is the default one.</summary>
    public static string Of(string? columnFamily, byte[]? key) => key is null ? ""
        : columnFamily is null or "default" ? EscapedText.Escape(key)
        : $"{columnFamily}: {EscapedText.Escape(key)}";

    public static string Of(NodeHeatRange range) => range.FirstKey.AsSpan().SequenceEqual(range.LastKey)
        ? Of(range.ColumnFamily, range.FirstKey)
        : $"{Of(range.ColumnFamily, range.FirstKey)} … {EscapedText.Escape(range.LastKey)}";

    public static string Of(LogCommand command) => command switch
    {
        { Key: not null } => command.ValueBytes is int bytes
            ? $"{Words(command.Kind)} {Of(command.ColumnFamily, command.Key)} ({bytes} B)"
            : $"{Words(command.Kind)} {Of(command.ColumnFamily, command.Key)}",
        { Mutations: not null } => string.Join("; ", command.Mutations.Select(Of)) is { Length: > 0 } mutations
            ? $"commit: {mutations}{More(command.MutationCount - command.Mutations.Count)}"
            : "commit",
        { ColumnFamily: not null } => $"{Words(command.Kind)} {command.ColumnFamily}",
        _ => Words(command.Kind),
    };

    /// <summary>What a slot does, as one line.</summary>
    public static string Of(LogSlot slot) => slot.Kind switch
    {
        "no_op" => "nothing: opens a leader's term, or fills a hole",
        "membership" => "members change",
        _ when slot.CommandCount == 0 => "nothing: moves the group's clock on",
        _ => $"{string.Join("; ", slot.Commands.Take(MaxCommands).Select(Of))}"
            + More(slot.CommandCount - Math.Min(slot.Commands.Count, MaxCommands)),
    };

    private const int MaxCommands = 3;

    private static string More(int? count) => count > 0 ? $"; and {count} more" : "";

    private static string Words(string kind) => kind.Replace('_', ' ');
}
