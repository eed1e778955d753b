namespace KvCloud.Cli.Output;

/// <summary>How results are printed.</summary>
internal enum OutputFormat
{
    /// <summary>Tables that are drawn, for people.</summary>
    Table = 0,

    /// <summary>A line a row, columns separated by tabs.</summary>
    Plain = 1,

    /// <summary>JSON objects, one a line.</summary>
    Json = 2,
}
