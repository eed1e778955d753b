using KvCloud.Node.Operations;

namespace KvCloud.Node.Access;

/// <summary>What became of an attempt to log in.</summary>
/// <param name="Principal">Null where it failed.</param>
/// <param name="Error">Why it failed, for the caller: no more than an attacker may know.</param>
/// <param name="Unknown">
/// Why nobody knows whether what was given is right: too many attempts at a time, or no leader to ask. Null where it is
/// known.
/// </param>
internal readonly record struct LoginOutcome(Principal? Principal, string? Error = null, KvStatus? Unknown = null);
