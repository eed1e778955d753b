namespace KvCloud.WebConsole.Monitoring;

public enum EventSeverity
{
    Info = 0,
    Warning = 1,
    Error = 2,
}
