using System.CommandLine;
using KvCloud.Cli.Output;
using KvCloud.Client;
using KvCloud.Protocol;

namespace KvCloud.Cli;

/// <summary>What a command works with: the client, the console, and what was typed.</summary>
internal sealed class CommandContext(
    KvCloudClient client, KvConsole console, GlobalOptions globals, ParseResult parsed)
{
    public KvCloudClient Client { get; } = client;

    public KvConsole Console { get; } = console;

    public ParseResult Parsed { get; } = parsed;

    public ValueFormat Format { get; } = globals.FormatOf(parsed);

    /// <summary>The node that --endpoint names, or null.</summary>
    public string? Endpoint { get; } = parsed.GetValue(globals.Endpoint);

    /// <summary>What was typed; null: not given.</summary>
    public ReadConsistency? Consistency { get; } = parsed.GetValue(globals.Consistency);

    public string? ColumnFamily { get; } = parsed.GetValue(globals.ColumnFamily);

    public KvReadOptions ReadOptions => new()
    {
        ColumnFamily = ColumnFamily,
        Endpoint = Endpoint,
        Consistency = Consistency,
    };

    public KvWriteOptions WriteOptions => new() { ColumnFamily = ColumnFamily };

    public T? Get<T>(Option<T> option) => Parsed.GetValue(option);

    public T Get<T>(Argument<T> argument) => Parsed.GetRequiredValue(argument);

    /// <summary>A key or value as typed: text, or hexadecimal with --hex.</summary>
    public byte[] Bytes(string typed) =>
        Format == ValueFormat.Hex ? Bytestring.FromHex(typed) : Bytestring.FromText(typed);
}
