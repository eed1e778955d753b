namespace KvCloud.Cli.Doctor;

/// <summary>Something that is wrong with a cluster.</summary>
/// <param name="Code">Its name, for scripts: hyphens and small letters, as in docs/kv.md.</param>
/// <param name="Where">A node, or the cluster.</param>
/// <param name="What">What is so, with the figures that say it.</param>
/// <param name="Do">What to do.</param>
/// <param name="Page">The page of the documentation that has more.</param>
internal sealed record Finding(Severity Severity, string Code, string Where, string What, string Do, string Page)
{
    public const string Cluster = "cluster";

    public static string Node(int id) => string.Create(
        System.Globalization.CultureInfo.InvariantCulture, $"node {id}");
}
