using System.Net;

namespace KvCloud.Tests.Live.Attacks;

/// <summary>Where the attacked replica listens.</summary>
internal sealed record AttackTarget(IPEndPoint Clients, IPEndPoint Peers, IPEndPoint Http);

/// <summary>Something that a stranger does to a replica while others work.</summary>
/// <param name="Run">Goes on until it is cancelled, and then says what it did and what became of it.</param>
internal sealed record Attack(string Name, Func<AttackTarget, CancellationToken, Task<string>> Run);
