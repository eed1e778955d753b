namespace KvCloud.Tests.Support;

/// <summary>As <see cref="UnixFactAttribute"/>, of a theory.</summary>
internal sealed class UnixTheoryAttribute : TheoryAttribute
{
    public UnixTheoryAttribute()
    {
        if (OperatingSystem.IsWindows())
        {
            Skip = "needs Unix signals and /bin/sh";
        }
    }
}
