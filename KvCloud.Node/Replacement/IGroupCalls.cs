using KvCloud.Node.Replication;

namespace KvCloud.Node.Replacement;

/// <summary>What a replica asks of its group as an operator would, through the port for clients.</summary>
internal interface IGroupCalls
{
    /// <summary>The members, as a leader with a majority sees them.</summary>
    /// <exception cref="GroupCallException">Nobody answers, nobody leads, or the answer is a refusal.</exception>
    Task<IReadOnlyList<SeenMember>> MembersAsync(CancellationToken cancellationToken);

    /// <summary>Asks the leader that has answered last for a change. Returns once it is made.</summary>
    /// <exception cref="GroupCallException">It is refused, or its outcome is unknown.</exception>
    Task ChangeAsync(MemberChange change, CancellationToken cancellationToken);
}

/// <summary>The group has not done what it was asked; the message says why. It may be asked again.</summary>
internal sealed class GroupCallException(string message, Exception? inner = null) : Exception(message, inner);
