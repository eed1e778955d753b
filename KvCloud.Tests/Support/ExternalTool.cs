namespace KvCloud.Tests.Support;

/// <summary>Programs of other people that some tests need.</summary>
internal static class ExternalTool
{
    /// <summary>Whether a program of this name is on the path.</summary>
    public static bool IsThere(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? string.Empty)
        .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        .Any(directory => File.Exists(Path.Combine(directory, name)));
}

/// <summary>A test that needs a program. Without it the test is skipped; where CI is true it runs, and fails.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class FactNeedsAttribute : FactAttribute
{
    public FactNeedsAttribute(string tool)
    {
        if (!ExternalTool.IsThere(tool) && Environment.GetEnvironmentVariable("CI") != "true")
        {
            Skip = $"{tool} is not installed";
        }
    }
}
