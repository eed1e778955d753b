namespace KvCloud.Cli.Doctor;

/// <summary>How soon somebody has to act.</summary>
internal enum Severity
{
    /// <summary>Not at all, but it is good to know.</summary>
    Info = 0,

    /// <summary>On the next working day.</summary>
    Warning = 1,

    /// <summary>Now.</summary>
    Error = 2,
}
