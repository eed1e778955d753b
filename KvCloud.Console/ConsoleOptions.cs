namespace KvCloud.WebConsole;

/// <summary>Section <c>Console</c> of the configuration.</summary>
public sealed record ConsoleOptions
{
    public const string Section = "Console";

    /// <summary>
    /// Whether the pages may write. Default: true in Development, otherwise false. Outside of Development each page is
    /// read-only until somebody unlocks it.
    /// </summary>
    public bool? AllowWrites { get; init; }

    /// <summary>
    /// Whether everybody must log in, with a user of the cluster. Default: where the connection string has a login and
    /// this is not Development; without one the cluster decides what may be read without a login.
    /// </summary>
    public bool? RequireLogin { get; init; }

    /// <summary>Whether the nodes' HTTP ports speak TLS. Default: if the connection string's endpoints do.</summary>
    public bool? NodesSpeakTls { get; init; }

    /// <summary>Archives of <c>kv backup</c> that the pages show, read with the console's own means.</summary>
    public IReadOnlyList<string> Archives { get; init; } = [];

    internal bool RequiresLogin(IHostEnvironment environment, bool hasLogin) =>
        RequireLogin ?? (hasLogin && !environment.IsDevelopment());
}
