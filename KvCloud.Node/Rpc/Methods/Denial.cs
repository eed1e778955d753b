using KvCloud.Node.Access;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>Who was refused for a missing login or right, and what, for the audit trail.</summary>
/// <param name="Call">The method, or what it was about to do.</param>
/// <param name="IsByCatalog">
/// Whether the users and roles that are known here refuse it: where this replica is behind, the others' may not.
/// </param>
internal sealed record Denial(Principal Principal, string Remote, string Call, bool IsByCatalog);
