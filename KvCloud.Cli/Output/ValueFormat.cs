namespace KvCloud.Cli.Output;

/// <summary>How keys and values are printed.</summary>
internal enum ValueFormat
{
    /// <summary>A value as it is, and a line feed; in lists of several with escapes, so that a line is a row.</summary>
    Text,

    /// <summary>Bytes as they are, nothing added.</summary>
    Raw,

    /// <summary>Hexadecimal.</summary>
    Hex,

    /// <summary>JSON objects, one a line.</summary>
    Json,
}
