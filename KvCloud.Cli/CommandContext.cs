using System.CommandLine;
using System.Text;
using KvCloud.Cli.Output;
using KvCloud.Client;
using KvCloud.Protocol;

namespace KvCloud.Cli;

/// <summary>What a command needs: the client, the console, and the parsed arguments.</summary>
internal sealed class CommandContext(
    KvCloudClient client, KvCloudClientSettings settings, KvConsole console, GlobalOptions globals, ParseResult parsed)
{
    public KvCloudClient Client { get; } = client;

    /// <summary>How <see cref="Client"/> reaches the cluster, and as whom.</summary>
    public KvCloudClientSettings Settings { get; } = settings;

    public KvConsole Console { get; } = console;

    public ParseResult Parsed { get; } = parsed;

    public ValueFormat Format { get; } = globals.FormatOf(parsed);

    /// <summary>Whether a drawn table was asked for by name.</summary>
    public bool IsTableAsked { get; } = globals.AskedOutput(parsed) == OutputFormat.Table;

    public Printer Printer { get; } = globals.PrinterOf(parsed, console);

    /// <summary>The node given by --endpoint, or null.</summary>
    public string? Endpoint { get; } = parsed.GetValue(globals.Endpoint);

    /// <summary>The value of --consistency, or null.</summary>
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

    /// <summary>Parses a key or value argument: text, or hexadecimal with --hex.</summary>
    public byte[] Bytes(string typed) =>
        Format == ValueFormat.Hex ? FromHex(typed) : Encoding.UTF8.GetBytes(typed);

    private static byte[] FromHex(string typed)
    {
        try
        {
            return Convert.FromHexString(typed);
        }
        catch (FormatException exception)
        {
            throw new UsageException($"'{typed}' is not hexadecimal: {exception.Message}");
        }
    }
}
