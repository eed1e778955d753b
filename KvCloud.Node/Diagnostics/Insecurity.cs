using KvCloud.Node.Configuration;

namespace KvCloud.Node.Diagnostics;

/// <summary>What is said wherever an operator looks, of a node that was told to do without security.</summary>
internal static class Insecurity
{
    /// <summary>The sentence; null if there is nothing to warn of.</summary>
    public static string? Of(NodeOptions options, NodeTopology topology) =>
        options.Security.Insecure && TlsRules.OpenPorts(options, topology) is string open
            ? $"security.insecure is set: this node listens on {topology.ListenAddress} without TLS ({open}), and"
                + " whoever reaches it can read, change and delete all data"
            : null;
}
