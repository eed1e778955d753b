namespace KvCloud.WebConsole.Data;

public enum ValueFormat
{
    Text = 0,
    Json = 1,
    Hex = 2,
}
