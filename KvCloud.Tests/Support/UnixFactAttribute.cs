namespace KvCloud.Tests.Support;

/// <summary>A test of signals and shells, which Windows does not have.</summary>
internal sealed class UnixFactAttribute : FactAttribute
{
    public UnixFactAttribute()
    {
        if (OperatingSystem.IsWindows())
        {
            Skip = "needs Unix signals and /bin/sh";
        }
    }
}
