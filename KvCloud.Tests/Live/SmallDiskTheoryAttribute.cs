using KvCloud.Tests.Live.Lifecycle;

namespace KvCloud.Tests.Live;

/// <summary>
/// A test that mounts a small disk. Where that is not allowed it is skipped; where CI is true it runs, and fails.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class SmallDiskTheoryAttribute : TheoryAttribute
{
    public SmallDiskTheoryAttribute()
    {
        if (SmallDisk.Missing is { } reason && Environment.GetEnvironmentVariable("CI") != "true")
        {
            Skip = reason;
        }
    }
}
