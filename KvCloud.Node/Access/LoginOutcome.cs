namespace KvCloud.Node.Access;

/// <summary>What became of an attempt to log in.</summary>
/// <param name="Principal">Null where it failed.</param>
/// <param name="Error">Why it failed, for the caller: no more than an attacker may know.</param>
/// <param name="IsOverloaded">Not looked at: too many attempts at a time.</param>
internal readonly record struct LoginOutcome(Principal? Principal, string? Error = null, bool IsOverloaded = false);
