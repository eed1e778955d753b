namespace KvCloud.Cli.Output;

/// <summary>How keys and values are printed.</summary>
internal enum ValueFormat
{
    /// <summary>The value followed by a line feed; in lists with escapes, so that each row is one line.</summary>
    Text,

    /// <summary>Raw bytes without separators or escapes.</summary>
    Raw,

    /// <summary>Hexadecimal.</summary>
    Hex,

    /// <summary>JSON objects, one per line.</summary>
    Json,
}
