namespace KvCloud.Tests.Fuzzing;

/// <summary>An input with which a parser does what it must not.</summary>
internal sealed record FuzzFinding(string Target, byte[] Input, string What);
