using KvCloud.Node.Operations;

namespace KvCloud.Node.Access;

/// <summary>Whether this replica has applied all that was chosen when it was asked.</summary>
/// <param name="Code">Ok if it has; else why that could not be found out in time.</param>
internal readonly record struct ReadIndexOutcome(KvStatus Code, string? Message = null);
