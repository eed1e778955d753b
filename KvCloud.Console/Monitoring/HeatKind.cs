namespace KvCloud.WebConsole.Monitoring;

/// <summary>Which calls a heat map counts.</summary>
public enum HeatKind
{
    All = 0,
    Reads = 1,
    Writes = 2,
}
