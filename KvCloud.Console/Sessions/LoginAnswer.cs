namespace KvCloud.WebConsole.Sessions;

/// <summary>What became of a login; with a session if it succeeded.</summary>
public sealed record LoginAnswer(LoginOutcome Outcome, ConsoleSession? Session = null);
