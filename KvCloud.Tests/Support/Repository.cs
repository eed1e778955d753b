namespace KvCloud.Tests.Support;

/// <summary>Finds files of the repository from where the tests run.</summary>
internal static class Repository
{
    public static string File(params string[] parts)
    {
        string? directory = AppContext.BaseDirectory;
        while (directory is not null && !System.IO.File.Exists(Path.Combine(directory, "KvCloud.sln")))
        {
            directory = Path.GetDirectoryName(directory);
        }

        return directory is null
            ? throw new InvalidOperationException("The tests run outside of the repository.")
            : Path.Combine([directory, .. parts]);
    }
}
