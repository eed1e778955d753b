using KvCloud.Client;

namespace KvCloud.Cli.Shell;

/// <summary>What the commands of one `kv shell` share: a client that stays connected and logged in.</summary>
internal sealed record ShellSession(KvCloudClient Client, KvCloudClientSettings Settings);
